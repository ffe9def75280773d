pub mod ast;
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Limits { pub characters: usize, pub nodes: usize, pub depth: usize }
pub struct Parsed { pub ast: ast::Ast, pub diagnostics: Vec<crate::diagnostic::Diagnostic> }
pub fn parse(_text: &str, _limits: &Limits) -> Parsed { todo!() }
