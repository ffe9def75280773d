//! Strings of fixed width, as NumPy's arrays have them: units of a byte or of a code point, padded with zeros.
//!
//! Functions over columns of packed elements, each a slice of bytes.

use std::cmp::Ordering;

/// What the elements of a column are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Form {
    /// Is a unit a code point of 32 bits, and not a byte?
    pub is_wide: bool,
    /// Bytes of an element.
    pub size: usize,
}

/// An element's units, or those of a literal.
#[derive(Clone, Copy, Debug)]
enum Units<'a> {
    Bytes(&'a [u8]),
    Wide(&'a [[u8; 4]]),
}

impl<'a> Units<'a> {
    /// Without the zeros at the end.
    #[inline]
    fn of(form: Form, element: &'a [u8]) -> Units<'a> {
        if form.is_wide {
            let points = element.as_chunks::<4>().0;
            let length = points.iter().rposition(|point| *point != [0; 4]).map_or(0, |last| last + 1);
            Units::Wide(&points[..length])
        } else {
            let length = element.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
            Units::Bytes(&element[..length])
        }
    }

    #[inline]
    fn len(self) -> usize {
        match self {
            Units::Bytes(bytes) => bytes.len(),
            Units::Wide(points) => points.len(),
        }
    }

    /// Writes as many units as there is room for; says how many bytes these are.
    #[inline]
    fn write(self, out: &mut [u8]) -> usize {
        let bytes = match self {
            Units::Bytes(bytes) => bytes,
            Units::Wide(points) => points.as_flattened(),
        };
        let count = bytes.len().min(out.len());
        out[..count].copy_from_slice(&bytes[..count]);
        count
    }
}

/// Applies a function to the units of two elements of one kind.
macro_rules! both {
    ($a:expr, $b:expr, |$x:ident, $y:ident| $value:expr) => {
        match ($a, $b) {
            (Units::Bytes($x), Units::Bytes($y)) => $value,
            (Units::Wide($x), Units::Wide($y)) => $value,
            _ => unreachable!("the checker lets only strings of one kind meet"),
        }
    };
}

/// The order of two strings, by their units.
#[inline]
fn order(a: Units, b: Units) -> Ordering {
    match (a, b) {
        (Units::Wide(a), Units::Wide(b)) => {
            let point = |point: &[u8; 4]| u32::from_ne_bytes(*point);
            a.iter().map(point).cmp(b.iter().map(point))
        }
        (a, b) => both!(a, b, |a, b| a.cmp(b)),
    }
}

/// Where the second is in the first, in units; -1 if it is nowhere.
fn find(text: Units, sought: Units) -> i64 {
    both!(text, sought, |text, sought| {
        if sought.is_empty() {
            return 0;
        }
        text.windows(sought.len()).position(|window| window == sought).map_or(-1, |at| at as i64)
    })
}

/// What is asked of two strings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Test {
    /// Are they equal?
    Eq,
    /// Do they differ?
    Ne,
    /// Is the first less?
    Lt,
    /// Is it at most the second?
    Le,
    /// Is it greater?
    Gt,
    /// Is it at least the second?
    Ge,
    /// Does it begin with the second?
    StartsWith,
    /// Does it end with the second?
    EndsWith,
    /// Is the second in it?
    Contains,
}

impl Test {
    #[inline]
    fn holds(self, a: Units, b: Units) -> bool {
        match self {
            Test::Eq => order(a, b).is_eq(),
            Test::Ne => order(a, b).is_ne(),
            Test::Lt => order(a, b).is_lt(),
            Test::Le => order(a, b).is_le(),
            Test::Gt => order(a, b).is_gt(),
            Test::Ge => order(a, b).is_ge(),
            Test::StartsWith => both!(a, b, |a, b| a.starts_with(b)),
            Test::EndsWith => both!(a, b, |a, b| a.ends_with(b)),
            Test::Contains => find(a, b) >= 0,
        }
    }
}

/// A column of strings, or one string for all.
#[derive(Clone, Copy, Debug)]
pub enum Column<'a> {
    /// An element after the other.
    Each(Form, &'a [u8]),
    /// The same one.
    Same(Form, &'a [u8]),
}

impl<'a> Column<'a> {
    #[inline]
    fn units(self, place: usize) -> Units<'a> {
        match self {
            Column::Each(form, bytes) => Units::of(form, &bytes[place * form.size..][..form.size]),
            Column::Same(form, bytes) => Units::of(form, bytes),
        }
    }
}

/// Asks of each pair of strings; a result is 1 or 0.
pub fn test(test: Test, a: Column, b: Column, out: &mut [u8]) {
    // Of one width the padding is equal as well, so that elements are compared as they are.
    if let (Test::Eq | Test::Ne, Column::Each(form, x)) = (test, a)
        && let Some(y) = same_width(form, b)
    {
        let is_negated = test == Test::Ne;
        return match form.size {
            4 => equal_words::<4>(x, y, is_negated, out),
            8 => equal_words::<8>(x, y, is_negated, out),
            12 => equal_words::<12>(x, y, is_negated, out),
            16 => equal_words::<16>(x, y, is_negated, out),
            32 => equal_words::<32>(x, y, is_negated, out),
            size => {
                for (place, (out, x)) in out.iter_mut().zip(x.chunks_exact(size)).enumerate() {
                    let y = if y.len() == size { y } else { &y[place * size..][..size] };
                    *out = ((x == y) ^ is_negated).into();
                }
            }
        };
    }
    for (place, out) in out.iter_mut().enumerate() {
        *out = test.holds(a.units(place), b.units(place)).into();
    }
}

/// A column's elements, or the same one for all, if they have the width of another's.
fn same_width<'a>(form: Form, column: Column<'a>) -> Option<&'a [u8]> {
    match column {
        Column::Each(own, bytes) | Column::Same(own, bytes) => (own == form).then_some(bytes),
    }
}

/// Whether elements of `N` bytes are equal to others, or to the same one; without branches, so that the compiler
/// vectorises it.
fn equal_words<const N: usize>(x: &[u8], y: &[u8], is_negated: bool, out: &mut [u8]) {
    let (x, y) = (x.as_chunks::<N>().0, y.as_chunks::<N>().0);
    match y {
        [one] => x.iter().zip(out).for_each(|(x, out)| *out = ((x == one) ^ is_negated).into()),
        y => x.iter().zip(y).zip(out).for_each(|((x, y), out)| *out = ((x == y) ^ is_negated).into()),
    }
}

/// Where each second string is in the first, in units; -1 where it is nowhere.
pub fn places(a: Column, b: Column, out: &mut [i64]) {
    for (place, out) in out.iter_mut().enumerate() {
        *out = find(a.units(place), b.units(place));
    }
}

/// The number of units of each string.
pub fn lengths(a: Column, out: &mut [i64]) {
    for (place, out) in out.iter_mut().enumerate() {
        *out = a.units(place).len() as i64;
    }
}

/// Copies strings to elements of so many bytes, which are zeros before: as much of them as there is room for.
pub fn copy(a: Column, size: usize, out: &mut [u8]) {
    for (place, out) in out.chunks_exact_mut(size).enumerate() {
        a.units(place).write(out);
    }
}

/// The second strings behind the first ones.
pub fn concatenate(a: Column, b: Column, size: usize, out: &mut [u8]) {
    for (place, out) in out.chunks_exact_mut(size).enumerate() {
        let written = a.units(place).write(out);
        b.units(place).write(&mut out[written..]);
    }
}

/// Copies the first strings where a condition, a byte each, is not zero, and the second ones elsewhere.
pub fn choose(condition: &[u8], a: Column, b: Column, size: usize, out: &mut [u8]) {
    for (place, (out, condition)) in out.chunks_exact_mut(size).zip(condition).enumerate() {
        let chosen = if *condition != 0 { a } else { b };
        chosen.units(place).write(out);
    }
}

/// Letters become large or small ones: of bytes ASCII's, of code points those that have one such form.
pub fn change_case(form: Form, is_upper: bool, text: &[u8], out: &mut [u8]) {
    if !form.is_wide {
        for (out, byte) in out.iter_mut().zip(text) {
            *out = if is_upper { byte.to_ascii_uppercase() } else { byte.to_ascii_lowercase() };
        }
        return;
    }
    for (out, point) in out.as_chunks_mut::<4>().0.iter_mut().zip(text.as_chunks::<4>().0) {
        let changed = char::from_u32(u32::from_ne_bytes(*point)).and_then(|letter| {
            let mut lower = letter.to_lowercase();
            let mut upper = letter.to_uppercase();
            let (first, second) = if is_upper { (upper.next(), upper.next()) } else { (lower.next(), lower.next()) };
            first.filter(|_| second.is_none())
        });
        *out = changed.map_or(*point, |letter| (letter as u32).to_ne_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn padded(texts: &[&str], size: usize) -> Vec<u8> {
        texts.iter().flat_map(|t| t.bytes().chain(std::iter::repeat(0)).take(size).collect::<Vec<_>>()).collect()
    }

    fn wide(texts: &[&str], size: usize) -> Vec<u8> {
        let points =
            |t: &str| t.chars().map(|c| c as u32).chain(std::iter::repeat(0)).take(size / 4).collect::<Vec<_>>();
        texts.iter().flat_map(|t| points(t)).flat_map(u32::to_ne_bytes).collect()
    }

    const TEXTS: [&str; 9] = ["", "a", "ab", "b", "abc", "zz", "aB", "a b", "ba"];

    #[test]
    fn tests_are_those_of_rusts_strings() {
        for is_wide in [false, true] {
            for (width_a, width_b) in [(3, 3), (3, 5), (8, 8), (4, 16), (16, 16), (12, 12), (5, 5)] {
                let unit = if is_wide { 4 } else { 1 };
                let form = |width: usize| Form { is_wide, size: width * unit };
                let column = |size| if is_wide { wide(&TEXTS, size) } else { padded(&TEXTS, size) };
                let (a, b) = (column(width_a * unit), column(width_b * unit));
                for shift in 0..TEXTS.len() {
                    let mut turned = b.clone();
                    turned.rotate_left(shift * width_b * unit);
                    let one = &turned[..width_b * unit];
                    for (same, second) in
                        [(false, Column::Each(form(width_b), &turned)), (true, Column::Same(form(width_b), one))]
                    {
                        let first = Column::Each(form(width_a), &a);
                        let pairs = || {
                            let other = move |k: usize| TEXTS[if same { shift } else { (k + shift) % TEXTS.len() }];
                            TEXTS.iter().enumerate().map(move |(k, x)| (*x, other(k)))
                        };
                        let mut out = [9; TEXTS.len()];
                        for (which, expected) in [
                            (Test::Eq, (|x, y| x == y) as fn(&str, &str) -> bool),
                            (Test::Ne, |x, y| x != y),
                            (Test::Lt, |x, y| x < y),
                            (Test::Le, |x, y| x <= y),
                            (Test::Gt, |x, y| x > y),
                            (Test::Ge, |x, y| x >= y),
                            (Test::StartsWith, |x, y| x.starts_with(y)),
                            (Test::EndsWith, |x, y| x.ends_with(y)),
                            (Test::Contains, |x, y| x.contains(y)),
                        ] {
                            test(which, first, second, &mut out);
                            let expected: Vec<u8> = pairs().map(|(x, y)| expected(x, y).into()).collect();
                            assert_eq!(out[..], expected, "{which:?} {width_a} {width_b} {shift} {same}");
                        }
                        let mut found = [9; TEXTS.len()];
                        places(first, second, &mut found);
                        let expected: Vec<i64> = pairs().map(|(x, y)| x.find(y).map_or(-1, |k| k as i64)).collect();
                        assert_eq!(found[..], expected);
                        lengths(first, &mut found);
                        assert_eq!(found[..], pairs().map(|(x, _)| x.len() as i64).collect::<Vec<_>>());
                    }
                }
            }
        }
    }

    #[test]
    fn letters_change_one_by_one() {
        let text = wide(&["aÄßé", "Zİ"], 16);
        let mut out = vec![0; text.len()];
        change_case(Form { is_wide: true, size: 16 }, true, &text, &mut out);
        assert_eq!(out, wide(&["AÄßÉ", "Zİ"], 16));
        change_case(Form { is_wide: true, size: 16 }, false, &text, &mut out);
        assert_eq!(out, wide(&["aäßé", "zİ"], 16));
        let mut out = [0; 4];
        change_case(Form { is_wide: false, size: 4 }, true, b"aZ\xe4\0", &mut out);
        assert_eq!(&out, b"AZ\xe4\0");
    }
}
