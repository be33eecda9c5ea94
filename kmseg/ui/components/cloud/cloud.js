const NO_WEBGL = "This browser cannot draw in 3-D (WebGL is switched off or missing), so the "
  + "colour cloud is not shown. Everything else on the page works without it.";
const NOT_LOADED = "The 3-D view could not be loaded. Reload the page to try again.";

const STEP = Math.PI / 36;
const KEYS = { // across, up, scale
  ArrowLeft: [-STEP, 0, 1],
  ArrowRight: [STEP, 0, 1],
  ArrowUp: [0, STEP, 1],
  ArrowDown: [0, -STEP, 1],
  "+": [0, 0, 0.9],
  "=": [0, 0, 0.9],
  "-": [0, 0, 1.1],
};

const views = new WeakMap(); // plot element -> its state
const cameras = new Map(); // component key -> camera, which outlives the element

function loadPlotly(url) {
  window.kmsegPlotly ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = address(url);
    script.onload = () => resolve(window.Plotly);
    script.onerror = () => {
      window.kmsegPlotly = undefined;
      script.remove();
      reject(new Error(NOT_LOADED));
    };
    document.head.append(script);
  });
  return window.kmsegPlotly;
}

async function loadPoints(url) {
  const response = await fetch(address(url));
  if (!response.ok) throw new Error(NOT_LOADED);
  const bytes = await response.arrayBuffer();
  const n = bytes.byteLength / 23;
  const column = (type, i) => new type(bytes, 4 * n * i, n);
  const shade = new Uint8Array(bytes, 20 * n);
  const each = (write) => Array.from({ length: n }, (_, i) => (
    write(...shade.subarray(3 * i, 3 * i + 3))
  ));
  const colours = each((r, g, b) => `rgb(${r},${g},${b})`);
  const packed = each((r, g, b) => (r << 16) | (g << 8) | b);
  const [x, y, z, size] = [0, 1, 2, 3].map((i) => column(Float32Array, i));
  return { x, y, z, size, colours, packed, counts: column(Uint32Array, 4) };
}

function unpackLabels(text) {
  const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  return new Uint16Array(bytes.buffer);
}

function hasWebGL() {
  const gl = document.createElement("canvas").getContext("webgl");
  gl?.getExtension("WEBGL_lose_context")?.loseContext();
  return Boolean(gl);
}

// A plot as narrow as it is high needs a step back to show the ends of the axes.
function home(data, plot) {
  const camera = structuredClone(data.figure.layout.scene.camera);
  const back = plot.clientWidth < 1.2 * plot.clientHeight ? 1.38 : 1;
  for (const axis of ["x", "y", "z"]) camera.eye[axis] *= back;
  return camera;
}

// Any CSS colour as three numbers from 0 to 255.
function rgb(css) {
  const pixel = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  pixel.fillStyle = css;
  pixel.fillRect(0, 0, 1, 1);
  return [...pixel.getImageData(0, 0, 1, 1).data.slice(0, 3)];
}

const GONE = 1.5; // pixels across

function themed(figure, root, plot) {
  const style = getComputedStyle(root);
  const token = (name, otherwise) => style.getPropertyValue(name).trim() || otherwise;
  const [ink, page] = [
    rgb(token("--st-text-color", "rgb(49,51,63)")),
    rgb(token("--st-background-color", "rgb(255,255,255)")),
  ];
  const mix = (share) => (
    `rgb(${ink.map((value, i) => Math.round(share * value + (1 - share) * page[i]))})`
  );
  const text = mix(1);
  const family = token("--st-font", "sans-serif");
  const { layout } = figure;
  // White points would be lost on a white page, black ones on a black page, where more is needed.
  const share = Math.max(...page) < 128 ? 0.3 : 0.1;
  layout.paper_bgcolor = plot.style.background = mix(share);
  layout.font = { family, color: text, size: 12 };
  layout.hoverlabel = {
    bgcolor: mix(0), bordercolor: text, font: { family, color: text, size: 13 }, align: "left",
  };
  for (const name of ["xaxis", "yaxis", "zaxis"]) {
    const axis = layout.scene[name];
    Object.assign(axis, { gridcolor: mix(share + 0.2), linecolor: mix(share + 0.2), color: text });
    axis.title.font = { family, color: text, size: 15 };
  }
  for (const tag of layout.scene.annotations) {
    const { bgcolor, bordercolor, font } = layout.hoverlabel;
    tag.hoverlabel = { bgcolor, bordercolor, font };
  }
  return mix(share + 0.07);
}

function compose(data, points, plot, root) {
  const figure = structuredClone(data.figure);
  const gone = themed(figure, root, plot);
  const labels = unpackLabels(data.labels);
  const { x, y, z, size, colours, packed, counts } = points;
  const some = focus.clusters.size > 0;
  const shown = data.groups.map((group) => !some || focus.has(group));
  const shade = data.paint === "cluster" ? (label) => data.palette[label] : (_, i) => colours[i];
  const color = Array.from(labels, (label, i) => (shown[label] ? shade(label, i) : gone));
  const [trace] = figure.data;
  figure.layout.scene.annotations.forEach((tag, i) => {
    tag.text = `<b>${data.names[i]}</b>`;
    tag.width = 9 + 9 * data.names[i].length;
    tag.opacity = shown[i] ? 1 : 0.3;
  });
  Object.assign(trace, { x, y, z });
  // What is not in focus must not hide what is.
  const sizes = Array.from(size, (diameter, i) => (shown[labels[i]] ? diameter : GONE));
  Object.assign(trace.marker, { size: sizes, color });
  trace.customdata = packed.map((colour, i) => [
    colour, counts[i], data.names[labels[i]], labels[i],
  ]);
  // Plotly's own turntable runs ahead of the pointer, up to the pole, wherever a frame takes long
  // (drawing without a graphics card), so `steer` does all the turning.
  figure.layout.scene.dragmode = false;
  figure.layout.scene.camera = cameras.get(data.key) ?? home(data, plot);
  return figure;
}

function look(view, plot, camera) {
  cameras.set(view.data.key, camera);
  view.frame ||= requestAnimationFrame(() => {
    view.frame = 0;
    window.Plotly.relayout(plot, { "scene.camera": cameras.get(view.data.key) });
  });
}

// Angles in radians; the distance is multiplied by `scale`.
function turn(view, plot, across, up, scale) {
  const camera = structuredClone(cameras.get(view.data.key) ?? home(view.data, plot));
  const { eye, center } = camera;
  const [x, y, z] = ["x", "y", "z"].map((axis) => eye[axis] - center[axis]);
  const between = (value, low, high) => Math.min(Math.max(value, low), high);
  const radius = between(Math.hypot(x, y, z) * scale, 0.3, 6);
  const azimuth = Math.atan2(y, x) + across;
  const elevation = between(Math.atan2(z, Math.hypot(x, y)) + up, -1.55, 1.55);
  camera.eye = {
    x: center.x + radius * Math.cos(elevation) * Math.cos(azimuth),
    y: center.y + radius * Math.cos(elevation) * Math.sin(azimuth),
    z: center.z + radius * Math.sin(elevation),
  };
  look(view, plot, camera);
}

// Mouse, fingers, wheel and keys. A wheel or a finger scrolls the page until the plot has the
// focus, which a click or a tap gives it.
function steer(view, plot) {
  const focused = () => document.activeElement === plot;
  const held = new Map(); // pointer id -> where it is
  let start = null;
  let dragged = false;

  plot.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || !view.drawn) return;
    dragged = false;
    view.tagged = false;
    if (event.pointerType === "mouse") plot.focus({ preventScroll: true });
    if (!focused()) return;
    start = [event.clientX, event.clientY];
    held.set(event.pointerId, start);
  });
  plot.addEventListener("pointermove", (event) => {
    if (!event.buttons) held.delete(event.pointerId); // it was let go elsewhere
    const before = held.get(event.pointerId);
    if (!before) return;
    const now = [event.clientX, event.clientY];
    if (!dragged && Math.hypot(now[0] - start[0], now[1] - start[1]) < 4) return;
    if (!dragged) plot.setPointerCapture(event.pointerId);
    dragged = true;
    held.set(event.pointerId, now);
    if (held.size === 1) {
      const speed = Math.PI / plot.clientHeight;
      turn(view, plot, (before[0] - now[0]) * speed, (now[1] - before[1]) * speed, 1);
    } else if (held.size === 2) {
      const [, other] = [...held].find(([id]) => id !== event.pointerId);
      const gap = ([x, y]) => Math.hypot(x - other[0], y - other[1]) || 1;
      turn(view, plot, 0, 0, gap(before) / gap(now));
    }
  });
  for (const type of ["pointerup", "pointercancel"]) {
    plot.addEventListener(type, (event) => held.delete(event.pointerId));
  }
  plot.addEventListener("click", () => {
    plot.focus({ preventScroll: true });
    if (dragged) return;
    // Plotly looks for the point under the pointer in its next frame.
    requestAnimationFrame(() => requestAnimationFrame(() => {
      if (view.under !== null && !view.tagged) view.pick(view.under);
    }));
  });
  plot.addEventListener("wheel", (event) => {
    event.stopPropagation();
    if (!focused() || !view.drawn) return;
    event.preventDefault();
    turn(view, plot, 0, 0, Math.exp(event.deltaY * (event.deltaMode ? 0.03 : 0.001)));
  }, { capture: true, passive: false });
  // Plotly would keep every finger from scrolling the page.
  for (const type of ["touchstart", "touchmove", "touchend"]) {
    plot.addEventListener(type, (event) => event.stopPropagation(), {
      capture: true, passive: true,
    });
  }
  plot.addEventListener("keydown", (event) => {
    const move = KEYS[event.key];
    if (!move || !view.drawn || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    event.stopPropagation();
    turn(view, plot, ...move);
  });
}

// Once per element; what changes between runs is read from `view`.
function wire(view, root, plot) {
  steer(view, plot);
  root.querySelector("[data-do=reset]").onclick = () => {
    if (view.drawn) look(view, plot, home(view.data, plot));
  };
  root.querySelector("[data-do=save]").onclick = () => {
    if (!view.drawn) return;
    const { clientWidth: width, clientHeight: height } = plot;
    const picture = { format: "png", filename: "colour-cloud", scale: 2, width, height };
    window.Plotly.downloadImage(plot, picture);
  };
  view.observer = new ResizeObserver(() => {
    if (view.drawn && plot.clientWidth) window.Plotly.Plots.resize(plot);
  });
  view.observer.observe(plot);
  view.focused = () => {
    if (view.drawn) draw(view, view.data, root, plot);
  };
  focus.addEventListener("change", view.focused);
}

function listen(view, plot) {
  const label = (event) => event.points?.[0]?.customdata?.[3];
  const point = (event) => {
    view.under = label(event);
  };
  plot.on("plotly_hover", point);
  plot.on("plotly_click", point);
  plot.on("plotly_unhover", () => {
    view.under = null;
  });
  plot.on("plotly_clickannotation", (event) => {
    view.tagged = true; // not the point behind it as well
    view.pick(event.index);
  });
}

async function draw(view, data, root, plot) {
  const run = ++view.run;
  const note = root.querySelector(".kmseg-cloud-note");
  try {
    if (!view.drawn && !hasWebGL()) throw new Error(NO_WEBGL);
    if (view.url !== data.points) {
      view.url = data.points;
      view.points = loadPoints(data.points);
    }
    const [Plotly, points] = await Promise.all([loadPlotly(data.plotly), view.points]);
    if (run !== view.run) return; // newer data, or taken off the page, while this was loading
    plot.hidden = false;
    const figure = compose(data, points, plot, root);
    const config = { displayModeBar: false, showTips: false };
    await Plotly.react(plot, figure.data, figure.layout, config);
    if (!view.drawn) listen(view, plot);
    view.drawn = true;
    note.textContent = "";
  } catch (error) {
    if (run !== view.run) return;
    view.url = null;
    plot.hidden = true;
    note.textContent = error.message === NO_WEBGL ? NO_WEBGL : NOT_LOADED;
    if (error.message !== NO_WEBGL) console.error(error);
  }
}

export default function ({ data, parentElement }) {
  const root = parentElement.querySelector(".kmseg-cloud");
  const plot = root.querySelector(".kmseg-cloud-plot");
  let view = views.get(plot);
  if (!view) {
    view = { run: 0, frame: 0, under: null, drawn: false };
    views.set(plot, view);
    wire(view, root, plot);
  }
  view.data = data;
  view.pick = (label) => focus.toggle(view.data.groups[label]);
  focus.enter(data.segmentation, data.count);
  plot.setAttribute("aria-label", data.summary);
  draw(view, data, root, plot);
  return () => {
    view.run += 1;
    view.observer.disconnect();
    focus.removeEventListener("change", view.focused);
    cancelAnimationFrame(view.frame);
    window.Plotly?.purge(plot);
  };
}
