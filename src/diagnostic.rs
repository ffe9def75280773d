//! Errors as data, and the picture with carets that shows them.

use crate::source::Span;
use std::fmt;
use std::sync::Arc;

/// What sort of mistake a diagnostic is about; Python has an exception for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Category {
    /// The text is no program, or exceeds a limit.
    Syntax,
    /// A name that means nothing here.
    Name,
    /// Types that an operation doesn't take, or a cast that the rules forbid.
    Type,
    /// A Python integer that its partner's dtype can't hold.
    Overflow,
    /// An operation on constants whose value Python or NumPy doesn't define.
    Value,
    /// A division of Python's own numbers by zero.
    ZeroDivision,
}

/// One mistake, at a place of the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// What sort of mistake.
    pub category: Category,
    /// Where.
    pub span: Span,
    /// What is wrong: one sentence without a full stop.
    pub message: String,
    /// What to do about it, where there is something to say.
    pub hint: Option<String>,
}

impl Diagnostic {
    /// A diagnostic without a hint.
    pub fn new(category: Category, span: Span, message: impl Into<String>) -> Diagnostic {
        Diagnostic { category, span, message: message.into(), hint: None }
    }

    /// The same with a hint.
    pub fn with_hint(mut self, hint: impl Into<String>) -> Diagnostic {
        self.hint = Some(hint.into());
        self
    }
}

/// All that is wrong with a text, in order of place; never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The program's text.
    pub text: Arc<str>,
    /// What is wrong with it.
    pub diagnostics: Vec<Diagnostic>,
}

impl Report {
    /// A report with its diagnostics in order of place, each said once.
    pub fn new(text: Arc<str>, mut diagnostics: Vec<Diagnostic>) -> Report {
        diagnostics.sort_by_key(|d| (d.span.start, d.span.end));
        diagnostics.dedup();
        Report { text, diagnostics }
    }

    /// The diagnostic that gives the report its category: the first syntax error, else the first.
    pub fn primary(&self) -> &Diagnostic {
        let syntax = self.diagnostics.iter().find(|d| d.category == Category::Syntax);
        syntax.unwrap_or(&self.diagnostics[0])
    }
}

/// Columns shown on each side of a caret when a line is too long to be shown whole.
const CONTEXT: usize = 36;
/// At most this many diagnostics are drawn; the rest is counted.
const DRAWN: usize = 10;

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, diagnostic) in self.diagnostics.iter().take(DRAWN).enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            draw(f, &self.text, diagnostic)?;
        }
        match self.diagnostics.len().saturating_sub(DRAWN) {
            0 => Ok(()),
            more => write!(f, "\n... and {more} more"),
        }
    }
}

/// Writes the message, the line of its place with carets below, and the hint.
fn draw(f: &mut fmt::Formatter<'_>, text: &str, diagnostic: &Diagnostic) -> fmt::Result {
    f.write_str(&diagnostic.message)?;
    let start = (diagnostic.span.start as usize).min(text.len());
    let line_start = text[..start].rfind('\n').map_or(0, |at| at + 1);
    let line_end = text[start..].find('\n').map_or(text.len(), |at| start + at);
    let end = (diagnostic.span.end as usize).clamp(start, line_end);
    let line = &text[line_start..line_end];
    let column = text[line_start..start].chars().count();
    let width = text[start..end].chars().count().max(1);

    // Only a window of a long line is drawn.
    let first = column.saturating_sub(CONTEXT);
    let last = (column + width.min(CONTEXT) + CONTEXT).max(2 * CONTEXT);
    let shown: String = line.chars().skip(first).take(last - first).map(printable).collect();
    let before = if first > 0 { "..." } else { "" };
    let after = if line.chars().count() > last { "..." } else { "" };
    let carets = width.min(last - column).max(1);
    write!(f, "\n  {before}{shown}{after}\n  ")?;
    write!(f, "{:1$}", "", before.len() + column - first)?;
    f.write_str(&"^".repeat(carets))?;
    match &diagnostic.hint {
        Some(hint) => write!(f, "\n  hint: {hint}"),
        None => Ok(()),
    }
}

/// Control characters would move the cursor and so misplace the carets.
fn printable(c: char) -> char {
    if c.is_control() { ' ' } else { c }
}

/// Why a native function failed: a panic's message, an exception.
#[derive(Clone, Debug)]
pub struct Failure(pub Arc<dyn std::error::Error + Send + Sync>);

impl PartialEq for Failure {
    fn eq(&self, other: &Failure) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Failure {}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Every error that compiling or running a kernel can give.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// Mistakes in the text, or in the types of its arguments.
    Report(Report),
    /// Shapes that don't fit, a read-only target, shared outputs, a bad option's value.
    Value(String),
    /// An axis that an operand doesn't have.
    Axis(String),
    /// An argument of a wrong type, a missing or an unknown argument, a forbidden cast.
    Type(String),
    /// A Python integer that doesn't fit, or whose result exceeds 64 bits.
    Overflow(String),
    /// Division of Python's own numbers by zero.
    ZeroDivision(String),
    /// No memory.
    Memory(String),
    /// What a registered function reported: a panic's message, or an exception.
    Native(Failure),
    /// The caller's interrupt was seen while running.
    Interrupted,
    /// A mistake of numfuse itself.
    Internal(String),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Report(report) => report.fmt(f),
            Error::Value(m)
            | Error::Axis(m)
            | Error::Type(m)
            | Error::Overflow(m)
            | Error::ZeroDivision(m)
            | Error::Memory(m) => f.write_str(m),
            Error::Native(failure) => failure.fmt(f),
            Error::Interrupted => f.write_str("interrupted"),
            Error::Internal(m) => write!(f, "internal error, you have found a bug in numfuse: {m}"),
        }
    }
}

impl std::error::Error for Error {}
