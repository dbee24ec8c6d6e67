// Runs a Python program in Pyodide, which is CPython in WebAssembly.
//
//     node run.mjs PYODIDE PROGRAM FOLDER=MOUNTED...
//
// PYODIDE is the folder of the npm package. Each FOLDER of this machine is MOUNTED as named. The
// exit status is the program's.
import { pathToFileURL } from "node:url";
import { resolve } from "node:path";
import { readFileSync } from "node:fs";

const [home, program, ...mounts] = process.argv.slice(2);
const { loadPyodide } = await import(pathToFileURL(resolve(home, "pyodide.mjs")));
const python = await loadPyodide();
for (const mount of mounts) {
  const [root, mounted] = mount.split("=");
  python.FS.mkdirTree(mounted);
  python.FS.mount(python.FS.filesystems.NODEFS, { root: resolve(root) }, mounted);
}
try {
  python.runPython(readFileSync(program, "utf-8"), { filename: program });
  process.exit(0);
} catch (error) {
  const exit = error.type === "SystemExit" && /SystemExit: (\d+)\s*$/.exec(error.message);
  if (!exit) console.error(error.message);
  process.exit(exit ? Number(exit[1]) : 1);
}
