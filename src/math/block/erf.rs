//! erf
