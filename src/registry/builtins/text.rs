//! Strings.

use super::rows;
use crate::math::text::Test;
use crate::registry::function::{Body, TextFunction};

const NUMPY: &str = "the function of the same name in `numpy.strings`";

rows! {
    startswith(s, prefix): "Whether a string begins with another.", 0.0, NUMPY, Body::Text(TextFunction::Test(Test::StartsWith));
    endswith(s, suffix): "Whether a string ends with another.", 0.0, NUMPY, Body::Text(TextFunction::Test(Test::EndsWith));
    contains(s, sub): "Whether a string contains another.", 0.0, "`numpy.strings.find(s, sub) >= 0`", Body::Text(TextFunction::Test(Test::Contains));
    find(s, sub): "Where a string first contains another, counted from 0; -1 where it does not.", 0.0, NUMPY, Body::Text(TextFunction::Find);
    len str_len(s): "The number of characters, or of bytes.", 0.0, "`numpy.strings.str_len`", Body::Text(TextFunction::Len);
    lower(s): "Capital letters made small: of bytes ASCII's; letters whose small form is not one letter stay.", 0.0, NUMPY, Body::Text(TextFunction::Lower);
    upper(s): "Small letters made capital: of bytes ASCII's; letters whose capital form is not one letter stay.", 0.0, NUMPY, Body::Text(TextFunction::Upper);
}
