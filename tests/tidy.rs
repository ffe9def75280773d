//! The invariants of the sources.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

fn read(path: &str) -> String {
    let path = format!("{}/{path}", env!("CARGO_MANIFEST_DIR"));
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The modules by rows: each imports from its own folder and from rows above its own. Where a row of
/// ARCHITECTURE.md is two here, the second uses the first: a diagnostic points into a source, and the
/// registry's rows name the functions of `math`.
const ROWS: &[&[&str]] = &[
    &["source"],
    &["diagnostic", "dtype"],
    &["array", "syntax", "ir"],
    &["math"],
    &["registry"],
    &["interp"],
    &["check", "opt"],
    &["codegen"],
    &["jit"],
    &["runtime"],
    &["engine", "emit"],
    &["python", "bin"],
];

/// What must not be known outside of some modules.
const CONFINED: &[(&str, &[&str])] = &[
    ("cranelift", &["codegen", "jit"]),
    ("pyo3", &["python"]),
    ("numpy::", &["python"]),
    ("std::thread", &["runtime", "engine"]),
    ("syntax::", &["syntax", "registry", "check", "engine", "emit", "python"]),
];

/// Where `unsafe` may be.
const UNSAFE: &[&str] = &[
    "src/array.rs",
    "src/jit/",
    "src/math/block/dispatch.rs",
    "src/python/",
    "src/registry/native.rs",
    "src/runtime/reduce.rs",
    "src/runtime/run.rs",
];

/// The Rust sources below a folder: path from the root of the project, and text.
fn sources(folder: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_string()];
    while let Some(folder) = folders.pop() {
        let entries = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(&folder)).expect("a folder");
        for entry in entries {
            let entry = entry.expect("an entry");
            let path = format!("{folder}/{}", entry.file_name().display());
            if entry.path().is_dir() {
                folders.push(path);
            } else if path.ends_with(".rs") {
                let text = read(&path);
                found.push((path, text));
            }
        }
    }
    assert!(!found.is_empty(), "{folder} is empty");
    found
}

/// The module of the crate's root to which a file belongs.
fn module(path: &str) -> &str {
    let name = path.trim_start_matches("src/");
    name.split(['/', '.']).next().unwrap_or(name)
}

/// The lines that are no comments, numbered from 1.
fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let lines = text.lines().enumerate().map(|(index, line)| (index + 1, line));
    lines.filter(|(_, line)| !line.trim_start().starts_with("//"))
}

/// The modules of the crate's root that a line names.
fn imported(line: &str) -> impl Iterator<Item = &str> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let paths = line.match_indices("crate::").filter(move |(at, _)| !line[..*at].ends_with(is_name));
    paths.map(move |(at, path)| {
        let rest = &line[at + path.len()..];
        &rest[..rest.find(|c| !is_name(c)).unwrap_or(rest.len())]
    })
}

#[test]
fn modules_import_only_from_rows_above_their_own() {
    let row = |module: &str| ROWS.iter().position(|row| row.contains(&module));
    let (mut wrong, mut count) = (Vec::new(), 0);
    for (path, text) in sources("src").iter().filter(|(path, _)| path != "src/lib.rs") {
        let module = module(path);
        let Some(own) = row(module) else { panic!("{path}: `{module}` is in no row") };
        let mut in_tests = false;
        for (line, code) in code(text) {
            for other in imported(code).filter(|other| *other != module) {
                count += 1;
                if row(other).is_none_or(|other| other >= own) {
                    wrong.push(format!("{path}:{line}: imports `{other}`"));
                }
            }
            // By this way out of its folder a module could go round the table.
            in_tests |= code == "mod tests {";
            let levels = path.matches('/').count() - usize::from(path.ends_with("/mod.rs")) + usize::from(in_tests);
            if code.contains(&"super::".repeat(levels)) {
                wrong.push(format!("{path}:{line}: leaves its folder by `super`"));
            }
            for (name, _) in CONFINED.iter().filter(|(_, modules)| !modules.contains(&module)) {
                if code.contains(name) {
                    wrong.push(format!("{path}:{line}: knows `{name}`"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(count > 100, "only {count} imports found");
}

#[test]
fn unsafe_code_is_where_it_may_be_and_every_block_says_why_it_is_sound() {
    assert!(read("Cargo.toml").contains("unsafe_code = \"deny\""));
    let (mut wrong, mut count) = (Vec::new(), 0);
    for (path, text) in sources("src").into_iter().chain(sources("tests")) {
        let allowed = UNSAFE.iter().any(|place| path.starts_with(place)) || path.starts_with("tests/");
        if !allowed && code(&text).any(|(_, line)| line.contains("allow(unsafe_code")) {
            wrong.push(format!("{path}: allows unsafe code"));
        }
        // This file has the words that it looks for.
        if path == "tests/tidy.rs" {
            continue;
        }
        let lines: Vec<&str> = text.lines().collect();
        for (line, code) in code(&text) {
            let code = code.trim_end();
            if !(code.contains("unsafe {") || code.contains("unsafe impl")) {
                continue;
            }
            count += 1;
            if !allowed {
                wrong.push(format!("{path}:{line}: unsafe code"));
            }
            if !lines[line.saturating_sub(8)..line].iter().any(|line| line.contains("SAFETY:")) {
                wrong.push(format!("{path}:{line}: no SAFETY comment"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(count > 50, "only {count} blocks found");
}

/// The names of the functions that a source text defines.
fn functions(source: &str) -> BTreeSet<String> {
    let words = source.lines().filter_map(|line| line.trim_start().split_once("fn "));
    let functions = words.filter(|(before, _)| before.is_empty() || before.starts_with("pub"));
    functions.map(|(_, after)| after.split(['(', '<']).next().unwrap_or_default().to_string()).collect()
}

/// The productions of a part of the grammar.
fn productions(grammar: &str) -> BTreeSet<String> {
    let heads = grammar.lines().filter(|line| line.starts_with(|c: char| c.is_ascii_lowercase()));
    heads.filter_map(|line| line.split_once(" =")).map(|(name, _)| name.to_string()).collect()
}

#[test]
fn every_production_is_a_parser_function_and_every_parser_function_a_production() {
    let grammar = read("grammar/numfuse.ebnf");
    let (syntactic, _) = grammar.split_once("(* ---- Lexical").expect("the lexical part");
    let parser = read("src/syntax/parser.rs");
    let (_, body) = parser.split_once("impl Parser").expect("the parser's functions");
    assert_eq!(productions(syntactic), functions(body));
}

#[test]
fn every_lexical_production_in_use_is_a_token() {
    let grammar = read("grammar/numfuse.ebnf");
    let (syntactic, lexical) = grammar.split_once("(* ---- Lexical").expect("the lexical part");
    let used: BTreeSet<&str> = syntactic.split(|c: char| !c.is_ascii_lowercase() && c != '_').collect();
    let source = read("src/syntax/token.rs");
    let functions = functions(&source);
    let mut count = 0;
    for production in productions(lexical).iter().filter(|name| used.contains(name.as_str())) {
        let variant = format!("{}{},", production[..1].to_uppercase(), &production[1..]);
        let token = source.lines().any(|line| line.trim() == variant);
        assert!(token || functions.contains(production), "`{production}` is no token");
        count += 1;
    }
    assert!(count >= 6, "only {count} lexical productions found");
}
