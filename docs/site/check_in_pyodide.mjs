// Do the chapters run where a browser runs them? In Node, on Pyodide, without a network:
//
//     node docs/site/check_in_pyodide.mjs PYODIDE_FOLDER NUMPY_WHEEL MINIGRAD_WHEEL
//
// PYODIDE_FOLDER is that of npm's `pyodide`, NUMPY_WHEEL the one which its pyodide-lock.json names, MINIGRAD_WHEEL what
// docs/site/build.py leaves in build/site-lite/pypi. Chapter 10 wants scikit-learn, and is passed over.
import fs from "fs";
import path from "path";
import { pathToFileURL } from "url";

const [folder, ...wheels] = process.argv.slice(2).map((given) => path.resolve(given));
if (wheels.length !== 2) {
  console.error("usage: node check_in_pyodide.mjs PYODIDE_FOLDER NUMPY_WHEEL MINIGRAD_WHEEL");
  process.exit(2);
}
const { loadPyodide } = await import(pathToFileURL(path.join(folder, "pyodide.mjs")));
const python = await loadPyodide({ indexURL: folder + path.sep, stdout: () => {} });
const site = python.runPython("import site; site.getsitepackages()[0]");
for (const wheel of wheels) python.unpackArchive(new Uint8Array(fs.readFileSync(wheel)), "wheel", { extractDir: site });

const course = path.resolve(path.dirname(new URL(import.meta.url).pathname), "..", "course");
let failures = 0;
for (const name of fs.readdirSync(course).filter((file) => /^\d\d.*\.py$/.test(file) && !file.startsWith("10")).sort()) {
  const began = Date.now();
  try {
    const globals = python.toPy({ __name__: "__main__" });
    python.runPython(fs.readFileSync(path.join(course, name), "utf8"), { globals, filename: name });
    console.log(`ok      ${name}  ${((Date.now() - began) / 1000).toFixed(1)} s`);
  } catch (error) {
    failures += 1;
    console.log(`FAILED  ${name}\n${error}`);
  }
}
process.exit(failures ? 1 : 0);
