const packs = new Map();

/** One of the WebAssembly modules of a file, as if it had been fetched by itself. */
async function part(pack, start, end) {
  if (!packs.has(pack)) packs.set(pack, load(new URL(pack, import.meta.url)));
  try {
    const bytes = await packs.get(pack);
    return new Response(bytes.slice(start, end), { headers: { "content-type": "application/wasm" } });
  } catch (error) {
    packs.delete(pack); // the next visit may be luckier
    throw error;
  }
}

async function load(url) {
  const answer = await fetch(url);
  if (!answer.ok) throw new Error(`${url}: ${answer.status}`);
  return answer.arrayBuffer();
}
