// What the page can do beside being read: tables are sorted and searched, commands copied.
"use strict";
(() => {
	const make = (name, attributes, ...children) => {
		const e = document.createElement(name);
		for (const [key, value] of Object.entries(attributes)) e.setAttribute(key, value);
		e.append(...children);
		return e;
	};

	const valueOf = (row, column) => {
		const cell = row.cells[column];
		return cell.classList.contains("n") ? Number(cell.dataset.v) : cell.dataset.v ?? cell.textContent;
	};
	const compare = (a, b) => typeof a === "number" && typeof b === "number" ? a - b :
		String(a).localeCompare(String(b), "en", {numeric: true});

	const sort = (table, heads, head) => {
		const falling = head.getAttribute("aria-sort") !== "descending" && head.classList.contains("n") || head.getAttribute("aria-sort") === "ascending";
		for (const h of heads) h.removeAttribute("aria-sort");
		head.setAttribute("aria-sort", falling ? "descending" : "ascending");
		const rows = [...table.tBodies[0].rows];
		rows.sort((a, b) => (falling ? -1 : 1) * compare(valueOf(a, head.cellIndex), valueOf(b, head.cellIndex)));
		table.tBodies[0].append(...rows);
	};

	const makeSortable = (table) => {
		const heads = [...table.tHead.rows[0].cells];
		for (const head of heads) {
			if ("plain" in head.dataset) continue;
			const button = make("button", {type: "button"}, head.textContent);
			button.addEventListener("click", () => sort(table, heads, head));
			head.replaceChildren(button);
		}
	};

	const makeSearchable = (table) => {
		const rows = [...table.tBodies[0].rows];
		const texts = new Map(rows.map((row) => [row, row.textContent.toLowerCase()]));
		const input = make("input", {type: "search", name: "search", autocomplete: "off", placeholder: "an address, a cause, a process …", "aria-label": table.dataset.search});
		const found = make("span", {role: "status", class: "note"});
		const search = () => {
			const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
			let shown = 0;
			for (const row of rows) {
				row.hidden = !words.every((word) => texts.get(row).includes(word));
				if (!row.hidden) shown++;
			}
			found.textContent = words.length ? `${shown} of ${rows.length} rows` : `${rows.length} rows`;
		};
		input.addEventListener("input", search);
		table.parentElement.before(make("div", {class: "search"}, input, found));
		search();
	};

	const copy = async (code) => {
		try {
			await navigator.clipboard.writeText(code.textContent);
			return true;
		} catch {
			const range = document.createRange();
			range.selectNodeContents(code);
			getSelection().removeAllRanges();
			getSelection().addRange(range);
			return document.execCommand("copy");
		}
	};

	const makeCopyable = (command) => {
		const code = command.querySelector("code");
		const button = make("button", {type: "button"}, "Copy");
		button.addEventListener("click", async () => {
			button.textContent = await copy(code) ? "Copied" : "Selected";
			setTimeout(() => { button.textContent = "Copy"; }, 2000);
		});
		command.append(button);
	};

	document.querySelectorAll("table.sortable").forEach(makeSortable);
	document.querySelectorAll("table[data-search]").forEach(makeSearchable);
	document.querySelectorAll(".command").forEach(makeCopyable);
})();
