"use strict";
(function () {
  const place = document.getElementById("timeline");
  const figure = JSON.parse(document.getElementById("figure").textContent);
  const draw = Plotly.newPlot(place, figure.data, figure.layout, { displayModeBar: false, responsive: true });
  draw.then(function () { place.classList.add("drawn"); });
  // A printed page is narrower than the window: the chart has to know before it is printed.
  window.addEventListener("beforeprint", function () { Plotly.relayout(place, { autosize: false, width: 680 }); });
  window.addEventListener("afterprint", function () { Plotly.relayout(place, { autosize: true, width: null }); });
})();
