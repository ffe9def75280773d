//! The manual: `numfuse` blocks are programs, `numfuse-error` blocks a text and its report, and the
//! tables of functions are the registry's.

use numfuse::diagnostic::Report;
use numfuse::registry::builtins;
use numfuse::registry::function::Function;
use numfuse::syntax::{Limits, parse};
use std::fmt::Write;
use std::sync::Arc;
use std::{env, fs};

const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/grammar/README.md");

fn manual() -> String {
    fs::read_to_string(PATH).expect("the manual")
}

/// The fenced blocks of the manual: their line, language and body.
fn blocks(manual: &str) -> Vec<(usize, String, String)> {
    let mut blocks = Vec::new();
    let mut open: Option<(usize, String, String)> = None;
    for (index, line) in manual.lines().enumerate() {
        match (&mut open, line.strip_prefix("```")) {
            (None, Some(language)) => open = Some((index + 1, language.to_string(), String::new())),
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (Some((_, _, body)), None) => {
                body.push_str(line);
                body.push('\n');
            }
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "a block of the manual has no end");
    blocks
}

#[test]
fn the_manuals_programs_parse_and_its_errors_are_reported() {
    let (mut programs, mut errors) = (0, 0);
    for (line, language, body) in blocks(&manual()) {
        let parsed = |text: &str| {
            let diagnostics = parse(text, &Limits::default()).diagnostics;
            match diagnostics.is_empty() {
                true => String::new(),
                false => Report::new(Arc::from(text), diagnostics).to_string(),
            }
        };
        match language.as_str() {
            "numfuse" => {
                programs += 1;
                assert_eq!(parsed(&body), "", "line {line}");
            }
            "numfuse-error" => {
                errors += 1;
                let (text, report) = body.split_once("\n---\n").expect("a line `---`");
                assert_eq!(parsed(text), report.trim_end(), "line {line}");
            }
            "python" | "text" => {}
            other => panic!("line {line}: unknown language {other:?}"),
        }
    }
    assert!(programs >= 5 && errors >= 3, "{programs} programs and {errors} errors");
}

/// A row of the manual's tables.
fn row(function: &Function) -> String {
    let aliases: Vec<String> = function.aliases.iter().map(|alias| format!("`{alias}`")).collect();
    let budget = function.accuracy.to_string();
    let cells = [format!("`{}`", function.signature()), aliases.join(" "), function.doc.to_string(), budget];
    format!("| {} |", cells.map(|cell| cell.replace('|', r"\|")).join(" | "))
}

/// The functions as the registry has them, a table for each family.
fn tables() -> String {
    let mut text = String::new();
    for (family, functions) in builtins::families() {
        _ = write!(text, "### {family}\n\n| function | also called | value | error |\n| --- | --- | --- | --- |\n");
        for function in functions.iter().filter(|function| !function.is_private()) {
            _ = writeln!(text, "{}", row(function));
        }
        text.push('\n');
    }
    text
}

#[test]
fn the_manuals_functions_are_the_registrys() {
    const BEGIN: &str = "<!-- functions: from the registry; NUMFUSE_BLESS=1 cargo test --test manual -->\n\n";
    const END: &str = "<!-- end of functions -->\n";
    let manual = manual();
    let (before, rest) = manual.split_once(BEGIN).expect("the beginning of the functions");
    let (found, after) = rest.split_once(END).expect("the end of the functions");
    let expected = tables();
    if env::var_os("NUMFUSE_BLESS").is_some() {
        fs::write(PATH, [before, BEGIN, &expected, END, after].concat()).expect("the manual can be written");
    } else {
        assert_eq!(found, expected, "NUMFUSE_BLESS=1 rewrites it");
    }
    let public = builtins::all().iter().filter(|function| !function.is_private()).count();
    assert_eq!(expected.lines().filter(|line| line.starts_with("| `")).count(), public);
}
