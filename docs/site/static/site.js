// What the theme leaves out: names that a screen reader can say, and tables that a keyboard can scroll.
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
});
