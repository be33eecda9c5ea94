"""The page, read top to bottom: `streamlit run streamlit_app.py`."""

import streamlit as st

from kmseg.ui.server import hosting

app = st.App(__file__, **hosting.OPTIONS)  # Streamlit looks for this exact line

if __name__ == "__main__":
    from kmseg.kmeans.engines import ENGINES
    from kmseg.settings import PAGE_RANGES
    from kmseg.ui import link, navigation, page, panes, presets, store
    from kmseg.ui.controls import wanted
    from kmseg.ui.server import front
    from kmseg.ui.session import session
    from kmseg.ui.views import VIEWS
    from kmseg.ui.views.view import ViewContext

    st.set_page_config(
        front.TITLE,
        page_icon="🎨",
        layout="wide",
        initial_sidebar_state="collapsed" if st.context.is_embedded else 320,
    )
    link.restore()

    with store.in_foreground(), page.frame() as frame:
        picture = frame.picture()
        if picture is None:
            frame.draw()
            st.stop()
        chosen = frame.wanted = wanted.settings(picture)
        settings = presets.within_reach(chosen, picture.width, picture.height)
        address = link.address(picture.key, picture.reading, settings)
        link.enter(address)

        # A quick segmentation is shown first: the controls on the screen are up to date already.
        if session.shown is None or ENGINES[settings.engine].slow:
            frame.draw()
        hosting.warm_up()
        with frame.pictures:
            with page.at_work(settings) as (progress, waiting):
                seg = store.segmentation(picture, settings, progress, waiting)
            merged = store.tidied(picture, page.merged(seg), settings)
            panes.show(picture, seg, merged, notify=VIEWS[session.view].needs_focus)
            frame.draw()
            page.summary(picture, seg, merged, chosen)
            view = navigation.choose_view()
        with frame.section(view):
            view.show(ViewContext(picture, chosen, seg, merged, session.focus, address, frame.find))
        if not panes.dragging():
            link.write(link.query_of(chosen))
        store.prefetch_neighbours(picture, settings, PAGE_RANGES["n_clusters"])
        hosting.warm_up_the_rest()
