//! Whether pages' files fit the main file. If a tool corrupts them, a page looks right but never comes to life, and
//! otherwise its first visitor would be the one to notice.

use crate::split::Pages;
use anyhow::{Context, Result, bail};
use std::{collections::BTreeSet, fs, path::Path};
use wasmparser::{
    ElementItems, ElementKind, ExternalKind, Operator, Parser, Payload, TypeRef, Validator, WasmFeatures,
};

/// Where pages' files find what `main` exports.
const SHARED: &str = "__wasm_split";
/// Every function called through a pointer has a slot in it, those of pages too.
const TABLE: &str = "__indirect_function_table";

/// In debug builds, the loader exports this itself, to detect files of another build.
const CANARY: &str = "__canary_";

/// What matters here about a WebAssembly module.
#[derive(Default)]
struct Module {
    shares: BTreeSet<(String, &'static str)>,
    needs: BTreeSet<(String, &'static str)>,
    /// Slots of the table that it fills.
    slots: BTreeSet<u64>,
    table_size: u64,
}

/// Fails if `main` or a file in `folder` is not WebAssembly, if one imports what `main` does not export, or if two fill
/// the same slots of the table. Call it before the files are packed.
pub(crate) fn verify(main: &Path, folder: &Path, pages: &Pages) -> Result<()> {
    let main = read(main)?;
    let mut taken = main.slots;
    for file in pages.values().flatten().collect::<BTreeSet<_>>() {
        let module = read(&folder.join(format!("{file}.wasm")))?;
        if let Some((name, kind)) = module.needs.difference(&main.shares).next() {
            bail!("{file}.wasm imports the {kind} {name}, which the main WebAssembly does not export");
        }
        if let Some(slot) = module.slots.last().filter(|slot| **slot >= main.table_size) {
            bail!("{file}.wasm fills slot {slot} of {}", main.table_size);
        }
        if let Some(slot) = module.slots.intersection(&taken).next() {
            bail!("{file}.wasm fills slot {slot}, which another file fills as well");
        }
        taken.extend(module.slots);
    }
    Ok(())
}

fn read(path: &Path) -> Result<Module> {
    let shown = || format!("reading {}", path.display());
    let bytes = fs::read(path).with_context(shown)?;
    Validator::new_with_features(WasmFeatures::all()).validate_all(&bytes).with_context(shown)?;
    parse(&bytes).with_context(shown)
}

fn parse(bytes: &[u8]) -> Result<Module> {
    let mut module = Module::default();
    let (mut tables, mut table, mut imported) = (Vec::new(), None, 0);
    for payload in Parser::new(0).parse_all(bytes) {
        match payload? {
            Payload::ImportSection(imports) => {
                for import in imports.into_imports() {
                    let import = import?;
                    let kind = kind_of(import.ty);
                    if import.module == SHARED && !import.name.starts_with(CANARY) {
                        module.needs.insert((import.name.to_owned(), kind));
                    }
                    if kind == "table" {
                        if import.name == TABLE {
                            table = Some(imported);
                        }
                        imported += 1;
                    }
                }
            }
            Payload::TableSection(own) => {
                for table in own {
                    tables.push(table?.ty.initial);
                }
            }
            Payload::ExportSection(exports) => {
                for export in exports {
                    let export = export?;
                    if export.name == TABLE {
                        table = Some(export.index);
                        let own = tables.get((export.index - imported) as usize);
                        module.table_size = *own.context("the table is another file's")?;
                    }
                    module.shares.insert((export.name.to_owned(), kind_of_export(export.kind)));
                }
            }
            Payload::ElementSection(elements) => {
                for element in elements {
                    let element = element?;
                    let ElementKind::Active { table_index, offset_expr } = element.kind else { continue };
                    if Some(table_index.unwrap_or(0)) != table {
                        continue;
                    }
                    let Operator::I32Const { value } = offset_expr.get_operators_reader().read()? else {
                        bail!("slots are not at a constant place");
                    };
                    let start = u64::from(value.cast_unsigned());
                    module.slots.extend(filled(element.items)?.into_iter().map(|place| start + place));
                }
            }
            _ => {}
        }
    }
    Ok(module)
}

/// Positions in a segment that hold a function; the main module has nulls in those of other files.
fn filled(items: ElementItems<'_>) -> Result<Vec<u64>> {
    let expressions = match items {
        ElementItems::Functions(functions) => return Ok((0..u64::from(functions.count())).collect()),
        ElementItems::Expressions(_, expressions) => expressions,
    };
    let mut filled = Vec::new();
    for (place, expression) in (0..).zip(expressions) {
        if !matches!(expression?.get_operators_reader().read()?, Operator::RefNull { .. }) {
            filled.push(place);
        }
    }
    Ok(filled)
}

fn kind_of(import: TypeRef) -> &'static str {
    match import {
        TypeRef::Func(_) | TypeRef::FuncExact(_) => "function",
        TypeRef::Table(_) => "table",
        TypeRef::Memory(_) => "memory",
        TypeRef::Global(_) => "global",
        TypeRef::Tag(_) => "tag",
    }
}

fn kind_of_export(kind: ExternalKind) -> &'static str {
    match kind {
        ExternalKind::Func | ExternalKind::FuncExact => "function",
        ExternalKind::Table => "table",
        ExternalKind::Memory => "memory",
        ExternalKind::Global => "global",
        ExternalKind::Tag => "tag",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wasm_encoder as wasm;

    /// A module that fills slots of the table from `first` on.
    fn module(first: i32, slots: &[u32], main: bool, needs: &str) -> Vec<u8> {
        let (mut types, mut imports, mut functions) =
            (wasm::TypeSection::new(), wasm::ImportSection::new(), wasm::FunctionSection::new());
        let (mut tables, mut exports, mut elements, mut code) = (
            wasm::TableSection::new(),
            wasm::ExportSection::new(),
            wasm::ElementSection::new(),
            wasm::CodeSection::new(),
        );
        types.ty().function([], []);
        let table = wasm::TableType {
            element_type: wasm::RefType::FUNCREF,
            table64: false,
            minimum: 4,
            maximum: None,
            shared: false,
        };
        if main {
            tables.table(table);
            exports.export(TABLE, wasm::ExportKind::Table, 0);
        } else {
            imports.import(SHARED, needs, table);
        }
        functions.function(0);
        let mut body = wasm::Function::new([]);
        body.instruction(&wasm::Instruction::End);
        code.function(&body);
        elements.active(None, &wasm::ConstExpr::i32_const(first), wasm::Elements::Functions(slots.into()));
        let mut module = wasm::Module::new();
        module.section(&types).section(&imports).section(&functions).section(&tables).section(&exports);
        module.section(&elements).section(&code);
        module.finish()
    }

    fn complaint(part: &[u8]) -> Option<String> {
        let folder = tempfile::tempdir().unwrap();
        let main = folder.path().join("main.wasm");
        fs::write(&main, module(0, &[0, 0], true, "")).unwrap();
        fs::write(folder.path().join("media.wasm"), part).unwrap();
        let pages = Pages::from([("media".to_owned(), vec!["media".to_owned()])]);
        verify(&main, folder.path(), &pages).err().map(|error| error.to_string())
    }

    #[test]
    fn a_page_fills_free_slots_and_imports_what_there_is() {
        assert_eq!(complaint(&module(2, &[0, 0], false, TABLE)), None);
        let said = complaint(&module(1, &[0, 0], false, TABLE)).unwrap();
        assert_eq!(said, "media.wasm fills slot 1, which another file fills as well");
        let said = complaint(&module(3, &[0, 0], false, TABLE)).unwrap();
        assert_eq!(said, "media.wasm fills slot 4 of 4");
        let said = complaint(&module(2, &[0], false, "lost")).unwrap();
        assert_eq!(said, "media.wasm imports the table lost, which the main WebAssembly does not export");
        assert!(complaint(b"\0asm\x01\0\0\0spoilt").unwrap().starts_with("reading "));
    }
}
