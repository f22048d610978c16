// Names for what the theme leaves without one, so that a screen reader can say them.
document.addEventListener("DOMContentLoaded", () => {
  document.querySelectorAll("summary").forEach((arrow) => {
    if (!arrow.textContent.trim()) arrow.setAttribute("aria-label", "pages below");
  });
  document.querySelectorAll(".search-button-field").forEach((button) => {
    button.setAttribute("aria-label", button.textContent.replace(/\s+/g, " ").trim());  // says what it shows
  });
});
