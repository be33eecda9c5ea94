"""The page, read top to bottom: `streamlit run streamlit_app.py`."""

import streamlit as st

from kmseg.ui.server import hosting

app = st.App(__file__, **hosting.OPTIONS)  # Streamlit looks for these very words

if __name__ == "__main__":
    from kmseg.errors import KmsegError
    from kmseg.ui import link
    from kmseg.ui import store as cache
    from kmseg.ui.controls import controls
    from kmseg.ui.views import explorer, panes, views

    st.set_page_config(
        "kmseg: k-means on your picture", page_icon="🎨", layout="wide", initial_sidebar_state=340
    )
    link.restore()

    with st.sidebar:
        picture = controls.picture()
        card = st.container()
    head = st.container()
    wanted = controls.chosen(picture)
    settings = controls.within_reach(picture, wanted)
    link.enter(link.address(picture.key, settings))

    def frame() -> None:
        with card:
            controls.settings(picture)
        with head:
            views.heading(link.query_of(wanted))

    # Controls are drawn as they stand already, so a quick segmentation is shown before them.
    quick = "painted" in st.session_state and settings.engine == "exact"
    if not quick:
        frame()
    hosting.warm_up()
    try:
        with views.at_work(settings) as (progress, waiting):
            seg = cache.segmentation(picture, settings, progress, waiting)
    except KmsegError as error:
        if quick:
            frame()
        views.failure(error)
        st.stop()

    merged = seg.merged(link.merges(seg.n_clusters))
    view = st.session_state["view"]
    panes.show(picture, seg, merged, notify=view == "take-away")
    if quick:
        frame()
    views.summary(picture, seg, merged, wanted)

    view = views.choose("View", views.VIEWS, "view")
    if view == "clusters":
        views.clusters(picture, seg, merged)
    elif view == "cloud":
        views.cloud(picture, seg, merged)
    elif view == "sheet":
        explorer.sheet(picture, wanted)
    elif view == "ladder":
        explorer.ladder(picture, wanted)
    elif view == "residual":
        explorer.residual(picture, merged)
    elif view == "hue":
        explorer.hue(picture, wanted)
    else:
        views.take_away(picture, merged, link.focus())
    link.write(link.query_of(wanted))
    hosting.warm_up_the_rest()
