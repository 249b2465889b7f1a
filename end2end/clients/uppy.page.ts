// What a page does with Uppy: its core and its plugin for tus, in a browser, unchanged.

import Uppy from "@uppy/core";
import Tus, { type TusOpts } from "@uppy/tus";

export interface Asked {
  files: { address: string; said: Record<string, string> }[];
  options: Partial<TusOpts<Record<string, string>, Record<string, never>>>;
}

declare global {
  var uploadAll: (asked: Asked) => Promise<{ arrived: number; failed: string[] }>;
}

globalThis.uploadAll = async ({ files, options }) => {
  const uppy = new Uppy().use(Tus, options as TusOpts<any, any>);
  for (const { address, said } of files) {
    const data = await (await fetch(address)).blob();
    uppy.addFile({ name: said.filename!, type: "video/mp4", data, meta: said });
  }
  const result = await uppy.upload();
  return {
    arrived: result?.successful?.length ?? 0,
    failed: (result?.failed ?? []).map((file) => String(file.error)),
  };
};
