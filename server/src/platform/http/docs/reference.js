// What the reference can do beyond being read: copy code, narrow its contents, show where one is. The page is whole without it.

for (const figure of document.querySelectorAll("figure.code, .guide > pre")) {
  const pre = figure.matches("pre") ? figure : figure.querySelector("pre");
  const button = document.createElement("button");
  button.type = "button";
  button.className = "copy";
  button.textContent = "Copy";
  button.addEventListener("click", async () => {
    button.textContent = (await copy(pre.querySelector("code"))) ? "Copied" : "Press Ctrl+C";
    setTimeout(() => {
      button.textContent = "Copy";
    }, 2000);
  });
  if (figure === pre) {
    const frame = document.createElement("div");
    frame.className = "framed";
    pre.replaceWith(frame);
    frame.append(pre, button);
  } else figure.querySelector("figcaption").append(button);
}

/** Browsers give pages without HTTPS no clipboard; then the text is selected, and copied where that is still allowed. */
async function copy(code) {
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
}

const menu = document.querySelector("details.menu");
const narrow = matchMedia("(max-width: 64rem)");
const fold = () => {
  menu.open = !narrow.matches;
};
fold();
narrow.addEventListener("change", fold);
menu.addEventListener("click", (event) => {
  if (narrow.matches && event.target.closest("nav a")) menu.open = false;
});

const contents = menu.querySelector("nav");
const filter = document.createElement("input");
filter.type = "search";
filter.placeholder = "Filter";
filter.setAttribute("aria-label", "Filter the contents");
contents.prepend(filter);
filter.addEventListener("input", () => {
  const words = filter.value.toLowerCase().split(/\s+/);
  for (const list of contents.querySelectorAll("ul")) {
    for (const item of list.children) {
      const link = item.querySelector("a");
      const text = `${item.textContent} ${link.hash}`.toLowerCase();
      item.hidden = !words.every((word) => text.includes(word));
    }
    const none = [...list.children].every((item) => item.hidden);
    list.hidden = none;
    list.previousElementSibling.hidden = none;
  }
});

// The section at the top of the window is the current one.
const links = new Map([...contents.querySelectorAll("li a")].map((link) => [link.hash.slice(1), link]));
let current;
const watcher = new IntersectionObserver(
  (entries) => {
    for (const { isIntersecting, target } of entries) {
      if (!isIntersecting) continue;
      current?.removeAttribute("aria-current");
      current = links.get(target.id);
      current?.setAttribute("aria-current", "true");
      if (!narrow.matches) keepInView(current);
    }
  },
  { rootMargin: "-15% 0px -80% 0px" },
);
for (const section of document.querySelectorAll("main section[id]")) watcher.observe(section);

/** Scrolls the contents only, never the page. */
function keepInView(link) {
  if (!link) return;
  const frame = menu.getBoundingClientRect();
  const place = link.getBoundingClientRect();
  if (place.top < frame.top + 40) menu.scrollTop -= frame.top + 40 - place.top;
  if (place.bottom > frame.bottom - 40) menu.scrollTop += place.bottom - frame.bottom + 40;
}
