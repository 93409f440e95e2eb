// The timeline to look closer at: in place of the drawing, which is what is printed.
"use strict";
(() => {
	const data = document.getElementById("timeline-data");
	const zoom = document.getElementById("zoom");
	if (!data || !zoom) return;
	const timeline = JSON.parse(data.textContent);
	const last = timeline.begin + timeline.step * timeline.steps;
	const times = Array.from({length: timeline.steps + 1}, (_, i) => timeline.begin + timeline.step * i);
	const rates = timeline.series.map((s) => s.counts.map((n) => n / timeline.step));
	// The highest of a stack is drawn first, so that those below it stand in front of it.
	const stacks = [];
	rates.reduce((below, rate) => {
		const sum = rate.map((r, i) => r + below[i]);
		stacks.unshift([...sum, null]);
		return sum;
	}, new Array(timeline.steps).fill(0));
	const series = [...timeline.series].reverse();

	const variable = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
	const colorOf = (s) => variable(s.color === "c-other" ? "--other" : "--" + s.color);
	const two = (n) => String(n).padStart(2, "0");
	const clock = (t) => {
		const d = new Date(t * 1000);
		return `${two(d.getUTCHours())}:${two(d.getUTCMinutes())}:${two(d.getUTCSeconds())}`;
	};
	const number = new Intl.NumberFormat("en", {maximumFractionDigits: 1});

	const reset = document.createElement("button");
	reset.type = "button";
	reset.textContent = "Whole run";
	reset.disabled = true;
	const readout = document.createElement("span");
	readout.setAttribute("role", "status");
	const hint = "Drag over a time to look closer; all times are UTC, the scale is drops a second.";
	readout.textContent = hint;
	const tools = document.createElement("div");
	tools.className = "tools";
	tools.append(reset, readout);
	const place = document.createElement("div");
	place.setAttribute("role", "img");
	place.setAttribute("aria-label", document.getElementById("chart-desc").textContent);
	zoom.append(place, tools);
	zoom.hidden = false;

	let plot;
	const read = (u) => {
		const i = u.cursor.idx;
		if (i == null || i >= timeline.steps) {
			readout.textContent = hint;
			return;
		}
		const parts = timeline.series.map((s, j) => [s.name, s.counts[i], rates[j][i]]).filter(([, n]) => n > 0)
			.map(([name, n]) => `${name} ${number.format(n)}`);
		readout.textContent = `${clock(times[i])}: ${parts.join(", ") || "no drops"}`;
	};
	const draw = () => {
		if (plot) plot.destroy();
		const axis = {stroke: variable("--soft"), grid: {stroke: variable("--line"), width: 1}, ticks: {stroke: variable("--line"), width: 1}};
		plot = new uPlot({
			width: Math.max(zoom.clientWidth, 280), height: 300,
			tzDate: (t) => uPlot.tzDate(new Date(t * 1000), "Etc/UTC"),
			scales: {x: {min: timeline.begin, max: last}, y: {range: (u, min, max) => [0, Math.max(max * 1.05, 0.1)]}},
			axes: [{...axis, space: 90, values: (u, splits, i, space, step) => splits.map((t) => step < 1 ? (t - timeline.begin).toFixed(1) + " s" : clock(t))}, {...axis, size: 62}],
			legend: {show: false},
			cursor: {points: {show: false}, drag: {x: true, y: false}},
			series: [{}, ...series.map((s) => ({label: s.name, fill: colorOf(s), stroke: colorOf(s), width: 0, points: {show: false}, paths: uPlot.paths.stepped({align: 1})}))],
			hooks: {
				setCursor: [read],
				setScale: [(u, key) => {
					if (key === "x") reset.disabled = u.scales.x.min <= timeline.begin && u.scales.x.max >= last;
				}],
			},
		}, [times, ...stacks], place);
	};
	reset.addEventListener("click", () => plot.setScale("x", {min: timeline.begin, max: last}));
	matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
	let width = zoom.clientWidth;
	addEventListener("resize", () => {
		if (zoom.clientWidth === 0 || zoom.clientWidth === width) return;
		width = zoom.clientWidth;
		plot.setSize({width: Math.max(width, 280), height: 300});
	});
	draw();
})();
