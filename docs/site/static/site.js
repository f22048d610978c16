// What the theme leaves out: names that a screen reader can say, tables that a keyboard can scroll, and pages inside a
// page that are as high as what they hold.
document.addEventListener("DOMContentLoaded", () => {
  document.querySelectorAll("summary").forEach((arrow) => {
    if (!arrow.textContent.trim()) arrow.setAttribute("aria-label", "pages below");
  });
  document.querySelectorAll(".search-button-field").forEach((button) => {
    button.setAttribute("aria-label", button.textContent.replace(/\s+/g, " ").trim());  // says what it shows
  });
  document.querySelectorAll(".bd-article table").forEach((table) => {
    table.tabIndex = 0;  // it scrolls inside its own box: arrow keys reach what a phone hides
  });
  document.querySelectorAll("iframe.lab").forEach((lab) => {
    const fit = () => {
      const inside = lab.contentDocument && lab.contentDocument.body;
      if (inside) lab.style.height = `${inside.scrollHeight + 40}px`;
    };
    lab.addEventListener("load", () => {
      fit();
      if (lab.contentDocument) new ResizeObserver(fit).observe(lab.contentDocument.body);
    });
    window.addEventListener("resize", fit);
    fit();
  });
});
