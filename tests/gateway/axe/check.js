// Reads pages as JSON, {name: HTML}, and answers what axe finds in each. Whatever needs a layout
// (contrast, what scrolls) jsdom cannot tell.
const { JSDOM, VirtualConsole } = require("jsdom");
const { source } = require("axe-core");

const check = async (html) => {
  const options = { runScripts: "outside-only", virtualConsole: new VirtualConsole() };
  const { window } = new JSDOM(html, options);
  window.eval(source);
  const rules = { "color-contrast": { enabled: false } };
  const { violations } = await window.axe.run(window.document, { rules });
  window.close();
  return violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(" ")}`);
};

(async () => {
  const pages = JSON.parse(require("fs").readFileSync(0, "utf8"));
  const found = {};
  for (const [name, html] of Object.entries(pages)) found[name] = await check(html);
  process.stdout.write(JSON.stringify(found));
})();
