/* The service portal: its pages hold no words, this script fetches them. */
const app = document.getElementById("app");
const number = new URLSearchParams(location.search).get("id");
function element(name, words, attributes) {
  const made = document.createElement(name);
  made.textContent = words || "";
  for (const [key, value] of Object.entries(attributes || {})) made.setAttribute(key, value);
  return made;
}
async function get(address) {
  const answer = await fetch(address);
  return (await answer.json()).data;
}
async function list() {
  const rows = app.appendChild(element("ul", "", { class: "news-list" }));
  for (const item of (await get("/api/articles?page=1")).list.slice(0, 6)) {
    const row = rows.appendChild(element("li"));
    row.append(element("a", item.title, { href: "/app/article.html?id=" + item.id }));
    row.append(element("span", item.publishTime.slice(0, 10), { class: "date" }));
  }
}
async function article() {
  const item = await get("/api/article?id=" + encodeURIComponent(number));
  document.title = item.title;
  app.append(element("h1", item.title));
  app.append(element("div", "发布时间：" + item.publishTime + "　来源：" + item.media.name, { class: "info" }));
  const content = app.appendChild(element("div", "", { class: "content" }));
  for (const words of item.content.split("\n")) content.append(element("p", words));
}
(number ? article() : list());
