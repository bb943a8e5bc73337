(() => {
  const select = document.getElementById("check");
  if (!select) return;
  select.addEventListener("change", () => {
    const wanted = select.value;
    for (const item of document.querySelectorAll(".finding")) item.hidden = wanted !== "" && item.dataset.check !== wanted;
    for (const node of document.querySelectorAll(".node")) {
      node.classList.toggle("dim", wanted !== "" && !node.dataset.checks.split(" ").includes(wanted));
    }
  });
})();
