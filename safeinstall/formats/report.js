(() => {
  const picture = document.getElementById("picture");
  const nodes = [...document.querySelectorAll(".node")];
  const edges = [...document.querySelectorAll(".edge")];
  const cards = [...document.querySelectorAll(".finding")];
  for (const row of document.querySelectorAll(".controls")) row.hidden = false;

  // On a narrow screen, or of the flagged ways alone, the tree stands upright: one release a row, what it brings below
  // it and to the right.
  const only = document.getElementById("only");
  const narrow = matchMedia("(max-width: 40rem)");
  const wide = { box: picture.getAttribute("viewBox"), paths: edges.map((edge) => edge.getAttribute("d")) };
  const lay = () => {
    const at = {};
    const few = Boolean(only && only.checked);
    const upright = narrow.matches || few;
    let box = wide.box;
    if (upright) {
      const shown = few ? nodes.filter((node) => !node.classList.contains("plain")) : nodes;
      let right = 0;
      shown.forEach((node, row) => {
        const above = at[node.dataset.up];
        const here = (at[node.id] = { above, x: above ? above.x + 14 : 6, y: 6 + row * 24 });
        right = Math.max(right, here.x + Number(node.firstElementChild.getAttribute("width")));
      });
      box = `0 0 ${right + 6} ${shown.length * 24 + 6}`;
    }
    for (const node of nodes) {
      const rect = node.firstElementChild;
      const here = at[node.id];
      const shift = here && [here.x - Number(rect.getAttribute("x")), here.y - Number(rect.getAttribute("y"))];
      node.setAttribute("transform", shift ? `translate(${shift.join(" ")})` : "");
    }
    edges.forEach((edge, number) => {
      const child = at[edge.dataset.to];
      const line = child && child.above && `M${child.above.x + 7} ${child.above.y + 18}V${child.y + 9}H${child.x}`;
      edge.setAttribute("d", line || wide.paths[number]);
    });
    picture.classList.toggle("small", upright);
    picture.classList.toggle("few", few);
    picture.setAttribute("viewBox", box);
    picture.setAttribute("width", box.split(" ")[2]);
    picture.setAttribute("height", box.split(" ")[3]);
  };
  narrow.addEventListener("change", lay);
  if (only) only.addEventListener("change", lay);
  if (narrow.matches) lay();

  const beside = document.getElementById("beside");
  if (beside) beside.addEventListener("change", () => picture.classList.toggle("all", beside.checked));

  const select = document.getElementById("check");
  if (!select) return;
  const speaks = (one, wanted) => wanted === "" || (one.dataset.checks || "").split(" ").includes(wanted);
  select.addEventListener("change", () => {
    const wanted = select.value;
    for (const card of cards) card.hidden = !speaks(card, wanted);
    for (const one of [...nodes, ...edges]) one.classList.toggle("dim", !speaks(one, wanted));
    const left = cards.filter((card) => !card.hidden);
    for (const notes of document.querySelectorAll("section > details")) {
      if (wanted !== "") notes.open = left.some((card) => notes.contains(card));
    }
    document.getElementById("shown").textContent = wanted === "" ? "" : `${left.length} of ${cards.length} shown`;
  });
})();
