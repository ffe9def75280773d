//! The wording of the checker's diagnostics.

use crate::diagnostic::{Category, Diagnostic};
use crate::dtype::{Casting, DType, Type, UnitError};
use crate::registry::expression::Lookup;
use crate::registry::function::{Function, Param, ParamKind};
use crate::source::Span;
use crate::syntax::ast::{CompareOp, Name};

fn type_error(span: Span, message: impl Into<String>) -> Diagnostic {
    Diagnostic::new(Category::Type, span, message)
}

/// "a", "a and b", "a, b and c"
pub fn list<T: ToString>(items: &[T]) -> String {
    let items: Vec<String> = items.iter().map(ToString::to_string).collect();
    match items.as_slice() {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// The names most like `name`, nearest first.
pub fn closest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let length = name.chars().count();
    // Names without a letter in common are not alike, however short.
    let limit = (1 + length / 4).min(length.saturating_sub(1));
    let mut near: Vec<(usize, &str)> = known.map(|k| (distance(name, k), k)).filter(|(d, _)| *d <= limit).collect();
    near.sort();
    near.into_iter().take(3).map(|(_, k)| k).collect()
}

/// Levenshtein's distance, letters' case apart.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().take(64).flat_map(char::to_lowercase).collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, ca) in a.chars().take(64).flat_map(char::to_lowercase).enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, &cb) in b.iter().enumerate() {
            let substitute = diagonal + usize::from(ca != cb);
            diagonal = row[j + 1];
            row[j + 1] = substitute.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

/// Names of other languages for what has another name here, or is not here.
const FOREIGN: &[(&str, &str)] = &[
    ("cumsum", "running sums are not supported: call `numpy.cumsum` and pass its result as an argument"),
    ("cumprod", "running products are not supported: call `numpy.cumprod` and pass its result as an argument"),
    ("diff", "differences of neighbours are not supported: pass `x[1:]` and `x[:-1]`, or the result of `numpy.diff`"),
    ("matmul", "matrix products are not supported: call `numpy.matmul` and pass its result as an argument"),
    ("inner", "write `vecdot(x, y)`: `sum(x * y, axis=-1)`"),
    ("median", "what needs sorting is not supported: call `numpy.median`"),
    ("average", "write `sum(w * x) / sum(w)`"),
    ("amin", "write `min`"),
    ("amax", "write `max`"),
    ("ln", "the natural logarithm is `log`"),
    ("lg", "the logarithm to base 2 is `log2`, to base 10 `log10`"),
    ("sgn", "write `sign`"),
    ("ceiling", "write `ceil`"),
    ("iff", "write `a if c else b` or `where(c, a, b)`"),
    ("ifelse", "write `a if c else b` or `where(c, a, b)`"),
    ("select", "write `a if c else b` or `where(c, a, b)`"),
    ("int", "write `i8(x)` for int64; `trunc(x)` rounds towards zero"),
    ("float", "write `f8(x)` for float64"),
    ("str", "numbers are not written out"),
    ("astype", "casts are functions by the types' names: `f4(x)`, `int64(x)`"),
    ("divmod", "write `x // y` and `x % y`"),
];

/// A function that nobody knows.
pub fn unknown_function(name: &str, span: Span, functions: &dyn Lookup) -> Diagnostic {
    let error = Diagnostic::new(Category::Name, span, format!("unknown function `{name}`"));
    if let Some((_, hint)) = FOREIGN.iter().find(|(foreign, _)| *foreign == name) {
        return error.with_hint(*hint);
    }
    let known = functions.names();
    match closest(name, known.iter().map(|name| &**name)).as_slice() {
        [] => error,
        near => error.with_hint(format!("did you mean {}?", quoted(near))),
    }
}

fn quoted(names: &[&str]) -> String {
    let names: Vec<String> = names.iter().map(|n| format!("`{n}`")).collect();
    match names.as_slice() {
        [first @ .., last] if !first.is_empty() => format!("{} or {last}", first.join(", ")),
        names => names.concat(),
    }
}

/// A name that is only a function's, used as a value.
pub fn missing_argument_of_call(function: &Function, param: &str, span: Span) -> Diagnostic {
    type_error(span, format!("`{}` lacks its argument `{param}`", function.name))
        .with_hint(format!("the call is `{}`", function.signature()))
}

/// More arguments than may be given by their places.
pub fn too_many_arguments(function: &Function, given: usize, span: Span) -> Diagnostic {
    let most = function.places();
    if most < function.params.len() {
        let error = type_error(span, format!("`{}` takes {most} argument by its place, not {given}", function.name));
        let by_name = format!("its options are given by name: `{}`", function.signature());
        return error.with_hint(match &*function.name {
            "max" => "`maximum(x, 0)` is the greater of two; an axis is given by name, as in `max(x, axis=0)`".into(),
            "min" => "`minimum(x, 0)` is the lesser of two; an axis is given by name, as in `min(x, axis=0)`".into(),
            _ => by_name,
        });
    }
    let at_most = if function.params.iter().any(|p| p.default.is_some()) { "at most " } else { "" };
    let plural = if most == 1 { "" } else { "s" };
    type_error(span, format!("`{}` takes {at_most}{most} argument{plural}, not {given}", function.name))
        .with_hint(format!("the call is `{}`", function.signature()))
}

/// A keyword that is no parameter.
pub fn unknown_keyword(function: &Function, keyword: &str, span: Span) -> Diagnostic {
    type_error(span, format!("`{}` has no parameter `{keyword}`", function.name))
        .with_hint(format!("the call is `{}`", function.signature()))
}

/// A parameter given by position and by name.
pub fn repeated_argument(function: &Function, param: &str, span: Span) -> Diagnostic {
    type_error(span, format!("`{}` got `{param}` twice", function.name))
}

/// A name in a function's body that is none of its parameters.
pub fn no_parameter(name: &str, span: Span, params: &[Name]) -> Diagnostic {
    let error = Diagnostic::new(Category::Name, span, format!("`{name}` is no parameter of the function"));
    match closest(name, params.iter().map(|param| &**param)).as_slice() {
        [] => error,
        near => error.with_hint(format!("did you mean {}?", quoted(near))),
    }
}

/// A default that reads its own parameter.
pub fn default_of_itself(name: &str, span: Span) -> Diagnostic {
    Diagnostic::new(Category::Name, span, format!("the default of `{name}` needs `{name}`"))
}

/// A function that is defined by itself.
pub fn recursion(name: &str, span: Span) -> Diagnostic {
    Diagnostic::new(Category::Name, span, format!("`{name}` can't call itself"))
        .with_hint("calls are replaced by what they compute; there is no recursion")
}

/// Says of a mistake that it is in the expression of a function.
pub fn inside(error: &mut Diagnostic, function: &Function) {
    error.message = format!("in `{}`: {}", function.name, error.message);
}

/// Two parameters that exclude each other.
pub fn given_instead(function: &Function, param: &str, other: &str, span: Span) -> Diagnostic {
    type_error(span, format!("`{}` takes `{param}` or `{other}`, not both", function.name))
}

/// A parameter that only keeps a place.
pub fn refused_argument(function: &Function, param: &str, reason: &str, span: Span) -> Diagnostic {
    type_error(span, format!("`{}` takes no `{param}`: {reason}", function.name))
}

/// Bodies of functions that would make the program too large.
pub fn expansion_too_large(function: &str, span: Span) -> Diagnostic {
    Diagnostic::new(Category::Syntax, span, format!("with the body of `{function}` the program is too large"))
}

/// A program without a value, an output or an in-place operation.
pub fn no_output(span: Span) -> Diagnostic {
    Diagnostic::new(Category::Syntax, span, "the program computes nothing: it has only locals")
        .with_hint("end it with an expression, or assign to an output")
}

/// A local that takes the name of an output.
pub fn local_of_output(name: &str, span: Span) -> Diagnostic {
    Diagnostic::new(Category::Name, span, format!("`{name}` is an output already and can't become a local"))
}

/// A last expression beside an output called `result`.
pub fn result_taken(span: Span) -> Diagnostic {
    Diagnostic::new(Category::Name, span, "the value of a program is named `result`, and so is another output")
        .with_hint("assign this value to a name")
}

/// A name in `args=` that the text doesn't read.
pub fn listed_argument_unused(name: &str, span: Span) -> Diagnostic {
    Diagnostic::new(Category::Name, span, format!("`{name}` is listed in `args` but is no argument of the expression"))
}

/// An argument that `args=` doesn't list.
pub fn argument_not_listed(name: &str, span: Span, listed: &[String]) -> Diagnostic {
    let error = Diagnostic::new(Category::Name, span, format!("`{name}` is not listed in `args`"));
    match closest(name, listed.iter().map(String::as_str)).as_slice() {
        [] => error,
        near => error.with_hint(format!("did you mean {}?", quoted(near))),
    }
}

/// An option that is not written out.
pub fn bad_option(param: &Param, span: Span) -> Diagnostic {
    let expected = match param.kind {
        ParamKind::Axes => "None, an integer or a tuple of integers",
        ParamKind::DType => "None or a dtype, such as float64 or \"f8\"",
        _ => "True or False",
    };
    let hint = "options are part of the program, not values that are known at the call";
    type_error(span, format!("`{}` must be {expected}", param.name)).with_hint(hint)
}

/// `None` or a tuple that is no option.
pub fn no_value(what: &str, span: Span) -> Diagnostic {
    type_error(span, format!("{what} is no value")).with_hint("every value is a number, a bool or an array of them")
}

/// A mask, and no value for a result of which it lets nothing through.
pub fn no_identity_under_mask(ufunc: &str, span: Span) -> Diagnostic {
    Diagnostic::new(
        Category::Value,
        span,
        format!(
            "reduction operation '{ufunc}' does not have an identity, so to use a where mask one has to specify \
             'initial'"
        ),
    )
}

/// A mask of another type.
pub fn mask_is_no_bool(ufunc: &str, ty: Type, span: Span) -> Diagnostic {
    type_error(span, format!("the `where` of a reduction by '{ufunc}' must be bool, not {ty}"))
}

/// No loop of a ufunc takes the types.
pub fn no_loop(function: &str, types: &[Type], span: Span) -> Diagnostic {
    type_error(
        span,
        format!(
            "ufunc '{function}' not supported for the input types {}, and the inputs could not be safely coerced to \
             any supported types according to the casting rule ''safe''",
            list(types)
        ),
    )
}

/// `^` between floats.
pub fn xor_of_floats(types: &[Type], span: Span) -> Diagnostic {
    no_loop("bitwise_xor", types, span).with_hint("`^` is exclusive or; use `**` for powers")
}

/// A function or operator that takes strings, of other types or of strings of two kinds.
pub fn no_text_loop(function: &str, types: &[Type], span: Span) -> Diagnostic {
    let is = |wanted: fn(&Type) -> bool| types.iter().any(wanted);
    let are_mixed =
        is(|ty| matches!(ty, Type::Strong(DType::Bytes(_)))) && is(|ty| matches!(ty, Type::Strong(DType::Str(_))));
    match are_mixed {
        true => type_error(span, format!("`{function}` is not defined for {}", list(types)))
            .with_hint("bytes and str don't mix: convert one with numpy.strings.decode or encode"),
        false => text_operand(function, types, span),
    }
}

/// Several axes for what has one.
pub fn one_axis(span: Span) -> Diagnostic {
    type_error(span, "`axis` must be an integer or `None` here")
}

/// Literal strings alone.
pub fn text_literals(span: Span) -> Diagnostic {
    type_error(span, "literal strings, and nothing of the arguments")
}

/// A sum of strings with too many units.
pub fn text_too_long(length: u32, most: u32, span: Span) -> Diagnostic {
    type_error(span, format!("strings of up to {length} characters; the longest that are added have {most}"))
}

/// A string where a number is wanted.
pub fn text_operand(what: &str, types: &[Type], span: Span) -> Diagnostic {
    type_error(span, format!("`{what}` is not defined for {}", list(types)))
        .with_hint("strings can be compared, added, chosen by `where`, and asked with `startswith`, `endswith`, `contains`, `find` and `len`")
}

/// `-` between booleans.
pub fn boolean_subtract(span: Span) -> Diagnostic {
    type_error(
        span,
        "numpy boolean subtract, the `-` operator, is not supported, use the bitwise_xor, the `^` operator, or the \
         logical_xor function instead.",
    )
}

/// `-` before a boolean.
pub fn boolean_negative(span: Span) -> Diagnostic {
    type_error(
        span,
        "The numpy boolean negative, the `-` operator, is not supported, use the `~` operator or the logical_not \
         function instead.",
    )
}

/// A store that the casting rule forbids.
pub fn cannot_cast(from: DType, to: DType, casting: Casting, span: Span, what: &str) -> Diagnostic {
    type_error(
        span,
        format!(
            "Cannot cast ufunc '{what}' output from dtype('{from}') to dtype('{to}') with casting rule '{}'",
            casting.name()
        ),
    )
}

/// An operand that can't be cast to the type of the loop that takes it.
pub fn cannot_cast_input(ufunc: &str, number: usize, from: DType, to: DType, span: Span) -> Diagnostic {
    type_error(
        span,
        format!(
            "Cannot cast ufunc '{ufunc}' input {number} from dtype('{from}') to dtype('{to}') with casting rule \
             'same_kind'"
        ),
    )
}

/// Times whose units can't be joined.
pub fn no_common_unit(error: UnitError, types: &[Type], span: Span) -> Diagnostic {
    let types = list(types);
    match error {
        UnitError::Nonlinear => type_error(
            span,
            format!("Cannot get a common unit of {types}: years and months have no fixed length in days"),
        ),
        UnitError::Overflow => {
            Diagnostic::new(Category::Overflow, span, format!("Integer overflow getting a common unit of {types}"))
        }
    }
}

/// A time that can't be converted to another unit.
pub fn no_conversion(error: UnitError, from: DType, to: DType, span: Span) -> Diagnostic {
    match error {
        UnitError::Nonlinear => type_error(span, format!("{from} can't be converted to {to}")),
        UnitError::Overflow => Diagnostic::new(
            Category::Overflow,
            span,
            format!("Integer overflow while computing the conversion factor between {from} and {to}"),
        ),
    }
}

/// A Python integer that its partner's type can't hold.
pub fn out_of_bounds(value: i128, dtype: DType, span: Span) -> Diagnostic {
    Diagnostic::new(Category::Overflow, span, format!("Python integer {value} out of bounds for {dtype}"))
}

/// A Python integer beyond 64 bits.
pub fn integer_too_large(span: Span) -> Diagnostic {
    Diagnostic::new(Category::Overflow, span, "Python int too large to convert to C long")
}

/// Python's own numbers exceed what can be held.
pub fn weak_overflow(span: Span) -> Diagnostic {
    Diagnostic::new(Category::Overflow, span, "the result of Python's own numbers is too large")
}

/// Division of Python's own numbers by zero.
pub fn zero_division(span: Span) -> Diagnostic {
    Diagnostic::new(Category::ZeroDivision, span, "division by zero")
}

/// A shift of Python's own integers by a negative count.
pub fn negative_shift(span: Span) -> Diagnostic {
    Diagnostic::new(Category::Value, span, "negative shift count")
}

/// A negative constant exponent of integers.
pub fn negative_power(span: Span) -> Diagnostic {
    Diagnostic::new(Category::Value, span, "Integers to negative integer powers are not allowed.")
}

/// An order of Python's own complex numbers.
pub fn not_ordered(op: CompareOp, types: &[Type], span: Span) -> Diagnostic {
    let names: Vec<String> = types.iter().map(|ty| format!("'{}'", ty.code())).collect();
    type_error(span, format!("'{}' not supported between instances of {}", op.symbol(), names.join(" and ")))
}

/// `decimals=` of `round` that is no constant.
pub fn round_decimals(span: Span) -> Diagnostic {
    type_error(span, "the `decimals` of `round` must be an integer literal")
}

/// `round` of integers to tens, hundreds and so on.
pub fn round_integers(span: Span) -> Diagnostic {
    type_error(span, "`round` of integers with negative `decimals` is not supported yet")
}
