//! The invariants of the sources.

use std::collections::BTreeSet;
use std::fs;

fn read(path: &str) -> String {
    let path = format!("{}/{path}", env!("CARGO_MANIFEST_DIR"));
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
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
