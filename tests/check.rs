//! The checker's reports: for each mistake the message, the place and the hint.

#[path = "common/table.rs"]
mod table;

use numfuse::check::lower::{ArgumentType, Stores, lower};
use numfuse::check::names::{Listed, resolve};
use numfuse::check::term::Known;
use numfuse::diagnostic::{Diagnostic, Report};
use numfuse::dtype::{Casting, DType, Type};
use numfuse::emit::parse_type;
use numfuse::registry::Registry;
use numfuse::syntax::ast::Name;
use numfuse::syntax::{Limits, parse};
use std::sync::Arc;
use table::check_table;

/// What stands before a case's text: lines of `: key words...`.
///
/// `types` are those of the arguments, float64 for those that have none; `uint` is a Python integer
/// from 2^63 up. `args` lists the arguments' names, `casting` is the rule for stores.
#[derive(Default)]
struct Header {
    types: Vec<Type>,
    args: Option<Vec<Name>>,
    casting: Casting,
}

impl Header {
    /// Reads the header and returns the text after it.
    fn read(case: &str) -> (Header, &str) {
        let (mut header, mut text) = (Header::default(), case);
        while let Some(rest) = text.strip_prefix(": ") {
            let (line, after) = rest.split_once('\n').expect("a text after the header");
            let mut words = line.split_whitespace();
            match words.next() {
                Some("types") => header.types = words.map(argument_type).collect(),
                Some("args") => header.args = Some(words.map(Name::from).collect()),
                Some("casting") => header.casting = words.next().and_then(Casting::parse).expect("a casting rule"),
                key => panic!("unknown key {key:?} in a header"),
            }
            text = after;
        }
        (header, text)
    }
}

fn argument_type(word: &str) -> Type {
    match word {
        "uint" => Type::WeakUInt,
        _ => parse_type(word).unwrap_or_else(|| panic!("no type is called {word}")),
    }
}

fn diagnostics(text: &str, header: &Header) -> Vec<Diagnostic> {
    let parsed = parse(text, &Limits::default());
    assert!(parsed.diagnostics.is_empty(), "{text}: {:?}", parsed.diagnostics);
    let listed = Listed { all: header.args.as_deref(), given: &[] };
    let resolved = match resolve(parsed.ast, Registry::builtin(), listed) {
        Ok(resolved) => resolved,
        Err(diagnostics) => return diagnostics,
    };
    let ty = |index: usize| header.types.get(index).copied().unwrap_or(Type::Strong(DType::F64));
    let types: Vec<ArgumentType> =
        (0..resolved.arguments.len()).map(|index| ArgumentType { ty: ty(index), known: Known::Unknown }).collect();
    let outputs = vec![None; resolved.outputs.len()];
    let groups = vec![0; resolved.statements.len()];
    let stores = Stores { casting: header.casting, outputs: &outputs, groups: &groups, masked: None };
    lower(&resolved, &types, &stores).err().unwrap_or_default()
}

#[test]
fn mistakes_give_the_reports_of_the_table() {
    check_table("diagnostics/check.txt", |case| {
        let (header, text) = Header::read(case);
        let diagnostics = diagnostics(text, &header);
        match diagnostics.is_empty() {
            true => "no error".to_string(),
            false => Report::new(Arc::from(text), diagnostics).to_string(),
        }
    });
}
