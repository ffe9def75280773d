//! The wording of every mistake that the syntax knows: one function each, named after the mistake.

use super::ast::Expr;
use super::token;
use crate::diagnostic::{Category, Diagnostic};
use crate::source::Span;

/// Characters of the user's text that a message repeats.
const SHOWN: usize = 24;

fn syntax(span: Span, message: impl Into<String>) -> Diagnostic {
    Diagnostic::new(Category::Syntax, span, message)
}

/// A piece of the text between backquotes, shortened.
pub(super) fn quoted(text: &str) -> String {
    let shown: String = text.chars().take(SHOWN).map(|c| if c.is_control() { ' ' } else { c }).collect();
    let more = if text.chars().nth(SHOWN).is_some() { "..." } else { "" };
    match text.contains('`') {
        true => format!("{shown}{more}"),
        false => format!("`{shown}{more}`"),
    }
}

// Limits.

pub(super) fn too_many_characters(span: Span, limit: usize) -> Diagnostic {
    syntax(span, format!("the expression has more than {limit} characters"))
}

pub(super) fn too_many_nodes(span: Span, limit: usize) -> Diagnostic {
    syntax(span, format!("the expression has more than {limit} operands and operators"))
}

pub(super) fn too_deep(span: Span, limit: usize) -> Diagnostic {
    syntax(span, format!("the expression is nested more than {limit} levels deep"))
        .with_hint("give inner parts names with `let`")
}

// Literals and names.

pub(super) fn not_a_number(span: Span, text: &str) -> Diagnostic {
    syntax(span, format!("{} is not a number", quoted(text)))
}

pub(super) fn number_with_suffix(span: Span, text: &str, number: &str, suffix: &str) -> Diagnostic {
    let diagnostic = not_a_number(span, text);
    let dangling = number.ends_with('_');
    match suffix {
        _ if dangling => diagnostic,
        _ if number.ends_with('.') => diagnostic.with_hint("put the number in parentheses before an attribute"),
        "f" | "F" | "l" | "L" | "u" | "U" | "d" | "D" | "ul" | "UL" | "f32" | "f64" | "i32" | "i64" => diagnostic
            .with_hint(format!("numbers have no type suffix: {} takes its type from its partner", quoted(number))),
        _ if token::keyword(suffix).is_some() => diagnostic.with_hint(format!("put a space before {}", quoted(suffix))),
        _ if super::is_identifier(suffix) => {
            diagnostic.with_hint(format!("write {} to multiply", quoted(&format!("{number}*{suffix}"))))
        }
        _ => diagnostic,
    }
}

pub(super) fn exponent_without_digits(span: Span, text: &str) -> Diagnostic {
    syntax(span, format!("the exponent of {} has no digits", quoted(text))).with_hint("write it as in `1e-3`")
}

pub(super) fn number_without_digits(span: Span, text: &str, radix: u32) -> Diagnostic {
    syntax(span, format!("{} has no {} digits", quoted(text), radix_name(radix)))
}

pub(super) fn bad_digit(span: Span, text: &str, digit: char, radix: u32) -> Diagnostic {
    let digit = quoted(&digit.to_string());
    syntax(span, format!("{digit} in {} is not a {} digit", quoted(text), radix_name(radix)))
}

fn radix_name(radix: u32) -> &'static str {
    match radix {
        2 => "binary",
        8 => "octal",
        _ => "hexadecimal",
    }
}

pub(super) fn misplaced_underscore(span: Span, text: &str) -> Diagnostic {
    syntax(span, format!("an underscore of {} is not between two digits", quoted(text)))
}

pub(super) fn leading_zero(span: Span, text: &str) -> Diagnostic {
    let digits = text.trim_start_matches(['0', '_']);
    let diagnostic = syntax(span, format!("{} starts with a zero", quoted(text)));
    match digits.contains(['8', '9']) {
        true => diagnostic.with_hint(format!("write {}", quoted(digits))),
        false => {
            let octal = quoted(&format!("0o{digits}"));
            diagnostic.with_hint(format!("write {octal} for an octal number, {} for a decimal one", quoted(digits)))
        }
    }
}

pub(super) fn unterminated_string(span: Span, text: &str) -> Diagnostic {
    let quote = usize::from(!text.starts_with(['"', '\'']));
    let opening = Span::new(span.start as usize, span.start as usize + quote + 1);
    syntax(opening, format!("the string has no closing {} on its line", &text[quote..quote + 1]))
}

pub(super) fn bad_escape(span: Span, text: &str) -> Diagnostic {
    syntax(span, format!("{} is not an escape sequence that gives a character", quoted(text)))
        .with_hint("write `\\\\` for a backslash")
}

pub(super) fn not_a_byte(span: Span, c: char) -> Diagnostic {
    syntax(span, format!("{} is not an ASCII character", quoted(&c.to_string())))
        .with_hint("strings of bytes have other bytes by their numbers, as `\\xe9`")
}

pub(super) fn string_prefix(span: Span) -> Diagnostic {
    syntax(span, "strings have no prefix but `b`").with_hint("leave it out")
}

pub(super) fn unterminated_name(span: Span) -> Diagnostic {
    let opening = Span::new(span.start as usize, span.start as usize + 1);
    syntax(opening, "the name in backticks has no closing backtick on its line")
}

pub(super) fn empty_name(span: Span) -> Diagnostic {
    syntax(span, "the name between these backticks is empty")
}

pub(super) fn keyword_as_name(span: Span, word: &str) -> Diagnostic {
    match word {
        "True" | "False" | "None" => syntax(span, format!("`{word}` is a constant and can't be assigned")),
        _ => syntax(span, format!("`{word}` is a keyword and can't be a name"))
            .with_hint("write it in backticks to use it as a name"),
    }
}

/// What to write for a character that looks like an operator or a quote.
pub(super) fn ascii_for(character: &str) -> Option<&'static str> {
    Some(match character {
        "×" | "·" | "⋅" | "∙" | "∗" | "•" => "*",
        "÷" | "∕" | "⁄" => "/",
        "−" | "–" | "—" | "‐" | "‑" => "-",
        "≤" | "⩽" => "<=",
        "≥" | "⩾" => ">=",
        "≠" => "!=",
        "¬" => "not",
        "∧" => "and",
        "∨" => "or",
        "√" => "sqrt",
        "∞" => "inf",
        "²" => "**2",
        "³" => "**3",
        "“" | "”" | "„" | "«" | "»" => "\"",
        "‘" | "’" | "´" => "'",
        "（" => "(",
        "）" => ")",
        "，" => ",",
        _ => return None,
    })
}

pub(super) fn unknown_character(span: Span, text: &str) -> Diagnostic {
    let code = text.chars().next().map_or(0, u32::from);
    let invisible =
        text.chars().all(|c| c.is_control() || c.is_whitespace() || matches!(code, 0x200b..=0x200f | 0xfeff));
    let diagnostic = match invisible {
        true => syntax(span, format!("the invisible character U+{code:04X} has no meaning here")),
        false => syntax(span, format!("the character {} has no meaning here", quoted(text))),
    };
    match text {
        "@" | "$" => diagnostic.with_hint("names have no prefix"),
        "\\" => diagnostic.with_hint("a backslash continues a line only at its very end"),
        _ if invisible => diagnostic.with_hint("delete it, or write an ordinary space"),
        _ => match ascii_for(text) {
            Some(ascii) => diagnostic.with_hint(format!("write `{ascii}`")),
            None => diagnostic,
        },
    }
}

// Brackets.

pub(super) fn never_closed(span: Span, opening: &str) -> Diagnostic {
    syntax(span, format!("`{opening}` is never closed"))
}

pub(super) fn never_opened(span: Span, closing: &str) -> Diagnostic {
    syntax(span, format!("`{closing}` closes nothing"))
}

pub(super) fn wrong_bracket(span: Span, opening: &str, closing: &str) -> Diagnostic {
    syntax(span, format!("`{closing}` can't close `{opening}`"))
}

pub(super) fn empty_parentheses(span: Span) -> Diagnostic {
    syntax(span, "there is no value in these parentheses")
}

// Expressions.

pub(super) fn empty(span: Span) -> Diagnostic {
    syntax(span, "the expression is empty")
}

pub(super) fn expected_value(span: Span, found: String) -> Diagnostic {
    syntax(span, format!("expected a value, found {found}"))
}

pub(super) fn unexpected(span: Span, found: String) -> Diagnostic {
    syntax(span, format!("{found} can't stand here"))
}

pub(super) fn missing_operator(span: Span, found: String) -> Diagnostic {
    let diagnostic = syntax(span, format!("expected an operator before {found}"));
    // No product of strings is meant, nor of the halves of `1.2.3`.
    match ["`.", "`'", "`\""].iter().any(|start| found.starts_with(start)) {
        true => diagnostic,
        false => diagnostic.with_hint("write `*` to multiply"),
    }
}

pub(super) fn not_callable(span: Span) -> Diagnostic {
    syntax(span, "only a name can be called").with_hint("write `*` to multiply")
}

pub(super) fn not_after_operator(span: Span) -> Diagnostic {
    syntax(span, "`not` binds looser than the operator before it").with_hint("put `not` and its operand in parentheses")
}

pub(super) fn missing_else(span: Span) -> Diagnostic {
    syntax(span, "this conditional has no `else`").with_hint("write `a if c else b`")
}

pub(super) fn misplaced_conditional(span: Span, word: &str) -> Diagnostic {
    syntax(span, format!("`{word}` can't stand here")).with_hint("write a conditional as `a if c else b`")
}

pub(super) fn equality(span: Span) -> Diagnostic {
    syntax(span, "`=` can't stand inside an expression").with_hint("did you mean `==`?")
}

pub(super) fn update_in_expression(span: Span, text: &str) -> Diagnostic {
    syntax(span, format!("`{text}` can't stand inside an expression")).with_hint("make it a statement of its own")
}

// Calls.

pub(super) fn repeated_keyword(span: Span, name: &str) -> Diagnostic {
    syntax(span, format!("the argument {} is given twice", quoted(name)))
}

pub(super) fn positional_after_keyword(span: Span) -> Diagnostic {
    syntax(span, "an argument without a name follows one with a name")
}

pub(super) fn unpacking(span: Span, text: &str) -> Diagnostic {
    syntax(span, format!("`{text}` can't unpack arguments here")).with_hint("write the arguments one by one")
}

// Statements.

pub(super) fn unused_value(span: Span) -> Diagnostic {
    syntax(span, "the value of this statement is not used")
        .with_hint("assign it to a name; only the last statement may be a bare expression")
}

pub(super) fn bad_target(span: Span, target: &Expr, operator: &str) -> Diagnostic {
    let message = match target {
        Expr::Bool(_) => "a constant can't be assigned",
        Expr::Int(_) | Expr::Float(_) | Expr::Imaginary(_) | Expr::Str(_) | Expr::Bytes(_) => {
            "a literal can't be assigned"
        }
        Expr::Name(_) => "a name in parentheses can't be assigned",
        Expr::Call(..) => "the result of a call can't be assigned",
        _ => "the result of an operator can't be assigned",
    };
    let diagnostic = syntax(span, message);
    match target {
        Expr::Name(_) => diagnostic.with_hint("write it without parentheses"),
        Expr::Call(..) => diagnostic.with_hint("assign a plain name; `define` makes functions"),
        _ if operator == "=" => diagnostic.with_hint("assign a plain name; or did you mean `==`?"),
        _ => diagnostic.with_hint("assign a plain name"),
    }
}

pub(super) fn chained_assignment(span: Span) -> Diagnostic {
    syntax(span, "a statement assigns one name").with_hint("write a statement for each name; or did you mean `==`?")
}

pub(super) fn walrus(span: Span) -> Diagnostic {
    syntax(span, "`:=` is not supported").with_hint("write `name = value` as a statement of its own")
}

pub(super) fn let_update(span: Span, operator: &str) -> Diagnostic {
    syntax(span, format!("`let` takes `=`, not `{operator}`"))
        .with_hint("a `let` makes a new name: there is nothing to update")
}

pub(super) fn let_without_name(span: Span, found: String) -> Diagnostic {
    syntax(span, format!("expected a name after `let`, found {found}"))
        .with_hint("`let` is a keyword; in backticks it is a name")
}

pub(super) fn let_without_value(span: Span, found: String) -> Diagnostic {
    syntax(span, format!("expected `=` after the name, found {found}")).with_hint("write `let name = value`")
}

pub(super) fn let_function(span: Span) -> Diagnostic {
    syntax(span, "`let` gives a name to a value, not to a function")
        .with_hint("a program can't define functions, `define` can; `let name = value` names a value")
}

// Definitions.

/// The most parameters of a definition.
pub(super) const MOST_PARAMETERS: usize = 255;

pub(super) fn no_definition(span: Span, found: String) -> Diagnostic {
    syntax(span, format!("expected the name of a function, found {found}")).with_hint(DEFINITION)
}

const DEFINITION: &str = "write a definition as `f(x, y=1) = x + y`";

pub(super) fn quoted_definition(span: Span) -> Diagnostic {
    syntax(span, "a function and its parameters have names without backticks")
}

pub(super) fn keyword_defined(span: Span, word: &str) -> Diagnostic {
    syntax(span, format!("{} is a keyword and can't be a function or a parameter", quoted(word))).with_hint(DEFINITION)
}

pub(super) fn definition_without_parameters(span: Span, found: String) -> Diagnostic {
    syntax(span, format!("expected `(` after the name of the function, found {found}")).with_hint(DEFINITION)
}

pub(super) fn no_parameter(span: Span, found: String) -> Diagnostic {
    syntax(span, format!("expected the name of a parameter, found {found}")).with_hint(DEFINITION)
}

pub(super) fn no_comma(span: Span, found: String) -> Diagnostic {
    syntax(span, format!("expected `,` or `)` after the parameter, found {found}"))
}

pub(super) fn parameter_list(span: Span, text: &str) -> Diagnostic {
    syntax(span, format!("`{text}` can't stand here")).with_hint("write the parameters one by one")
}

pub(super) fn repeated_parameter(span: Span, name: &str) -> Diagnostic {
    syntax(span, format!("the parameter {} comes twice", quoted(name)))
}

pub(super) fn required_after_default(span: Span, name: &str) -> Diagnostic {
    syntax(span, format!("the parameter {} has no default, but the one before it has", quoted(name)))
}

pub(super) fn too_many_parameters(span: Span) -> Diagnostic {
    syntax(span, format!("the function has more than {MOST_PARAMETERS} parameters"))
}

pub(super) fn definition_without_body(span: Span, found: String) -> Diagnostic {
    syntax(span, format!("expected `=` and what the function computes, found {found}")).with_hint(DEFINITION)
}

pub(super) fn after_definition(span: Span) -> Diagnostic {
    syntax(span, "a definition is one expression").with_hint("put it in parentheses to go on in the next line")
}

// Habits of other languages.

pub(super) fn foreign_operator(span: Span, written: &str, meant: &str) -> Diagnostic {
    syntax(span, format!("`{written}` is not an operator here")).with_hint(format!("use `{meant}`"))
}

pub(super) fn membership(span: Span, operator: &str) -> Diagnostic {
    syntax(span, format!("`{operator}` is not supported")).with_hint("compare with each value: `x == 1 or x == 2`")
}

pub(super) fn matrix_product(span: Span) -> Diagnostic {
    syntax(span, "matrix products are not supported").with_hint("`*` multiplies element by element")
}

pub(super) fn question(span: Span) -> Diagnostic {
    syntax(span, "`?` is not an operator here").with_hint("use `a if c else b`")
}

pub(super) fn colon(span: Span, text: &str) -> Diagnostic {
    syntax(span, format!("`{text}` can't stand here"))
        .with_hint("there are no slices, annotations or blocks; a conditional is `a if c else b`")
}

pub(super) fn tuple(span: Span) -> Diagnostic {
    syntax(span, "tuples are not supported").with_hint("separate statements by `;` to compute several values")
}

pub(super) fn list(span: Span) -> Diagnostic {
    syntax(span, "lists are not supported").with_hint("pass an array as an argument")
}

pub(super) fn braces(span: Span) -> Diagnostic {
    syntax(span, "sets and dictionaries are not supported").with_hint("group with parentheses")
}

pub(super) fn lambda(span: Span) -> Diagnostic {
    syntax(span, "`lambda` is not supported")
        .with_hint("a program can't define functions, `define` can; `let name = value` names a value")
}

pub(super) fn comprehension(span: Span) -> Diagnostic {
    syntax(span, "comprehensions are not supported").with_hint("an expression on arrays is computed for each element")
}

pub(super) fn subscript(span: Span) -> Diagnostic {
    syntax(span, "subscripts are not supported")
        .with_hint("pass the part of the array as an argument; a column's name goes in backticks")
}

pub(super) fn module_function(span: Span, name: &str) -> Diagnostic {
    syntax(span, "modules are not known here")
        .with_hint(format!("write `{name}(...)`: functions are known by their bare names"))
}

pub(super) fn module_constant(span: Span, name: &str) -> Diagnostic {
    syntax(span, "modules are not known here")
        .with_hint(format!("write `{name}`: constants are known by their bare names"))
}

pub(super) fn method(span: Span, object: &str, name: &str) -> Diagnostic {
    let object = if object.chars().count() > SHOWN { "..." } else { object };
    syntax(span, "methods are not supported").with_hint(format!("write it as a function, as in `{name}({object})`"))
}

pub(super) fn attribute(span: Span) -> Diagnostic {
    syntax(span, "there are no attributes but `real` and `imag`")
        .with_hint("pass the value as an argument; a name with a dot goes in backticks")
}

pub(super) fn keyword(span: Span, word: &str) -> Diagnostic {
    let diagnostic = syntax(span, format!("`{word}` can't stand here"));
    match word {
        "None" => diagnostic.with_hint("every value is a number, a bool or an array of them"),
        "return" => diagnostic.with_hint("the last statement, a bare expression, is the result"),
        "def" => {
            diagnostic.with_hint("a program can't define functions, `define` can; `let name = value` names a value")
        }
        "elif" => diagnostic.with_hint("write `a if c else b if d else e`"),
        "for" | "while" => diagnostic.with_hint("an expression on arrays is computed for each element"),
        "import" | "from" => diagnostic.with_hint("functions are known by their bare names"),
        "let" => diagnostic.with_hint("`let` starts a statement; in backticks it is a name"),
        _ => diagnostic.with_hint(format!("`{word}` is a keyword; in backticks it is a name")),
    }
}
