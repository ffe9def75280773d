//! The manual's examples: `numfuse` blocks are programs, `numfuse-error` blocks a text and its report.

use numfuse::diagnostic::Report;
use numfuse::syntax::{Limits, parse};
use std::fs;
use std::sync::Arc;

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
    let path = format!("{}/grammar/README.md", env!("CARGO_MANIFEST_DIR"));
    let manual = fs::read_to_string(path).expect("the manual");
    let (mut programs, mut errors) = (0, 0);
    for (line, language, body) in blocks(&manual) {
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
