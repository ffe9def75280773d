//! Values that are exact: C99's Annex F, NumPy where it differs, and the ends of ranges.

use std::f64::consts::{FRAC_PI_2, FRAC_PI_4, PI};

const INF: f64 = f64::INFINITY;
const NAN: f64 = f64::NAN;

/// Zeros of both signs stay; so do infinities.
const ODD: &[(f64, f64)] = &[(0.0, 0.0), (-0.0, -0.0), (NAN, NAN)];
const LINES: &[(f64, f64)] = &[(INF, INF), (-INF, -INF)];
/// Of exponentials.
const EXP: &[(f64, f64)] = &[(0.0, 1.0), (-0.0, 1.0), (NAN, NAN), (INF, INF), (-INF, 0.0), (1e300, INF), (-1e300, 0.0)];
/// Of logarithms.
const LOG: &[(f64, f64)] = &[(0.0, -INF), (-0.0, -INF), (1.0, 0.0), (-1.0, NAN), (-INF, NAN), (INF, INF), (NAN, NAN)];
const TINY: &[(f64, f64)] = &[(5e-324, 5e-324), (-5e-324, -5e-324)];

/// The arguments and the value.
pub(crate) fn of(function: &str) -> Vec<(Vec<f64>, f64)> {
    let two: &[(f64, f64, f64)] = match function {
        "pow" => POW,
        "hypot" => HYPOT,
        "arctan2" => ARCTAN2,
        "logaddexp" | "logaddexp2" => LOGADDEXP,
        _ => &[],
    };
    if !two.is_empty() {
        return two.iter().map(|&(x, y, value)| (vec![x, y], value)).collect();
    }
    let groups: &[&[(f64, f64)]] = match function {
        "exp" => &[EXP, &[(710.0, INF), (-746.0, 0.0), (5e-324, 1.0), (-745.13, 5e-324)]],
        "exp2" => &[
            EXP,
            &[
                (1024.0, INF),
                (-1075.0, 0.0),
                (10.0, 1024.0),
                (-1.0, 0.5),
                (-1074.0, 5e-324),
                (-1022.0, f64::MIN_POSITIVE),
                (1023.0, 8.98846567431158e307),
                (-126.0, 1.1754943508222875e-38),
                (-149.0, 1.401298464324817e-45),
                (127.0, 1.7014118346046923e38),
            ],
        ],
        "exp10" => &[EXP, &[(309.0, INF), (-324.0, 0.0), (1.0, 10.0), (2.0, 100.0), (5.0, 1e5), (10.0, 1e10)]],
        "expm1" => &[ODD, TINY, &[(INF, INF), (-INF, -1.0), (710.0, INF), (-1e300, -1.0), (1e300, INF), (-50.0, -1.0)]],
        "log" => &[LOG, &[(-5e-324, NAN)]],
        "log2" => &[
            LOG,
            &[
                (8.0, 3.0),
                (0.25, -2.0),
                (5e-324, -1074.0),
                (f64::MIN_POSITIVE, -1022.0),
                (1.401298464324817e-45, -149.0),
            ],
        ],
        "log10" => &[LOG, &[(10.0, 1.0), (100.0, 2.0), (1e10, 10.0)]],
        "log1p" => &[ODD, TINY, &[(-1.0, -INF), (-2.0, NAN), (-INF, NAN), (INF, INF)]],
        "sin" => &[ODD, TINY, &[(INF, NAN), (-INF, NAN)]],
        "tan" => &[ODD, TINY, &[(INF, NAN), (-INF, NAN)]],
        "cos" => &[&[(0.0, 1.0), (-0.0, 1.0), (NAN, NAN), (INF, NAN), (-INF, NAN), (5e-324, 1.0)]],
        "sinpi" => &[
            ODD,
            &[
                (INF, NAN),
                (-INF, NAN),
                (0.5, 1.0),
                (-0.5, -1.0),
                (1.0, 0.0),
                (2.0, 0.0),
                (3.0, 0.0),
                (-1.0, -0.0),
                (-2.0, -0.0),
                (1.5, -1.0),
                (1e300, 0.0),
                (-1e300, -0.0),
            ],
        ],
        "cospi" => &[&[
            (0.0, 1.0),
            (-0.0, 1.0),
            (NAN, NAN),
            (INF, NAN),
            (-INF, NAN),
            (0.5, 0.0),
            (1.5, 0.0),
            (-0.5, 0.0),
            (2.5, 0.0),
            (1.0, -1.0),
            (2.0, 1.0),
            (-1.0, -1.0),
            (1e300, 1.0),
        ]],
        "arcsin" => {
            &[ODD, TINY, &[(1.0, FRAC_PI_2), (-1.0, -FRAC_PI_2), (1.5, NAN), (-1.5, NAN), (INF, NAN), (-INF, NAN)]]
        }
        "arccos" => &[&[
            (1.0, 0.0),
            (-1.0, PI),
            (0.0, FRAC_PI_2),
            (-0.0, FRAC_PI_2),
            (1.5, NAN),
            (-1.5, NAN),
            (INF, NAN),
            (-INF, NAN),
            (NAN, NAN),
        ]],
        "arctan" => &[ODD, TINY, &[(INF, FRAC_PI_2), (-INF, -FRAC_PI_2), (1.0, FRAC_PI_4), (1e300, FRAC_PI_2)]],
        "sinh" => &[ODD, LINES, TINY, &[(711.0, INF), (-711.0, -INF), (1e300, INF), (-1e300, -INF)]],
        "cosh" => &[&[
            (0.0, 1.0),
            (-0.0, 1.0),
            (NAN, NAN),
            (INF, INF),
            (-INF, INF),
            (711.0, INF),
            (-1e300, INF),
            (5e-324, 1.0),
        ]],
        "tanh" => &[ODD, TINY, &[(INF, 1.0), (-INF, -1.0), (1e300, 1.0), (-1e300, -1.0), (30.0, 1.0)]],
        "arcsinh" => &[ODD, LINES, TINY],
        "arccosh" => &[&[(1.0, 0.0), (0.5, NAN), (-1.0, NAN), (-INF, NAN), (INF, INF), (NAN, NAN)]],
        "arctanh" => &[ODD, TINY, &[(1.0, INF), (-1.0, -INF), (1.5, NAN), (-1.5, NAN), (INF, NAN), (-INF, NAN)]],
        "cbrt" => &[ODD, LINES, &[(8.0, 2.0), (-27.0, -3.0), (1e300, 1e100), (1.0, 1.0)]],
        "erf" => &[ODD, &[(INF, 1.0), (-INF, -1.0), (1e300, 1.0), (-7.0, -1.0), (5e-324, 5e-324)]],
        "erfc" | "erfc_approximate" => &[&[
            (0.0, 1.0),
            (-0.0, 1.0),
            (NAN, NAN),
            (INF, 0.0),
            (-INF, 2.0),
            (1e300, 0.0),
            (-1e300, 2.0),
            (28.0, 0.0),
            (-7.0, 2.0),
            (5e-324, 1.0),
        ]],
        "erfinv" => {
            &[ODD, &[(1.0, INF), (-1.0, -INF), (1.5, NAN), (-1.5, NAN), (INF, NAN), (-INF, NAN), (5e-324, 5e-324)]]
        }
        "logistic" => &[&[
            (0.0, 0.5),
            (-0.0, 0.5),
            (NAN, NAN),
            (INF, 1.0),
            (-INF, 0.0),
            (1e300, 1.0),
            (-1e300, 0.0),
            (40.0, 1.0),
            (-746.0, 0.0),
        ]],
        "log1pexp" => {
            &[&[(NAN, NAN), (INF, INF), (-INF, 0.0), (1e300, 1e300), (-1e300, 0.0), (1000.0, 1000.0), (-746.0, 0.0)]]
        }
        _ => &[],
    };
    assert!(!groups.is_empty(), "{function} has no special values");
    groups.iter().flat_map(|group| group.iter().map(|&(x, value)| (vec![x], value))).collect()
}

const POW: &[(f64, f64, f64)] = &[
    (0.0, -1.0, INF),
    (-0.0, -1.0, -INF),
    (0.0, -2.0, INF),
    (-0.0, -2.0, INF),
    (0.0, -0.5, INF),
    (-0.0, -0.5, INF),
    (0.0, -INF, INF),
    (-0.0, -INF, INF),
    (0.0, 1.0, 0.0),
    (-0.0, 3.0, -0.0),
    (-0.0, 2.0, 0.0),
    (-0.0, 0.5, 0.0),
    (-1.0, INF, 1.0),
    (-1.0, -INF, 1.0),
    (1.0, NAN, 1.0),
    (1.0, INF, 1.0),
    (NAN, 0.0, 1.0),
    (NAN, -0.0, 1.0),
    (INF, 0.0, 1.0),
    (0.0, 0.0, 1.0),
    (-8.0, 0.5, NAN),
    (-2.0, 0.25, NAN),
    (0.5, -INF, INF),
    (2.0, -INF, 0.0),
    (0.5, INF, 0.0),
    (2.0, INF, INF),
    (-2.0, INF, INF),
    (-0.5, INF, 0.0),
    (-INF, -3.0, -0.0),
    (-INF, -2.0, 0.0),
    (-INF, 3.0, -INF),
    (-INF, 2.0, INF),
    (-INF, 0.5, INF),
    (INF, -1.0, 0.0),
    (INF, 1.0, INF),
    (-INF, -0.5, 0.0),
    (NAN, 1.0, NAN),
    (2.0, NAN, NAN),
    (2.0, 10.0, 1024.0),
    (-2.0, 3.0, -8.0),
    (-2.0, 2.0, 4.0),
    (2.0, -1074.0, 5e-324),
    (2.0, 1024.0, INF),
    (-2.0, 1025.0, -INF),
    (2.0, -1076.0, 0.0),
    (-2.0, -1077.0, -0.0),
    (9.0, 0.5, 3.0),
    (5.0, 1.0, 5.0),
    (3.0, 2.0, 9.0),
    (10.0, 2.0, 100.0),
    (-1.0, 1e300, 1.0),
    (-1.0, 9007199254740991.0, -1.0),
    (1e300, 1e300, INF),
    (1e-300, 1e300, 0.0),
    (1.0, 1e300, 1.0),
    (10.0, -314.0, 1e-314),
    (-1.0, 0.5, NAN),
];

/// `2**960`.
const HUGE: f64 = f64::from_bits((1023 + 960) << 52);

const HYPOT: &[(f64, f64, f64)] = &[
    (0.0, 0.0, 0.0),
    (-0.0, 0.0, 0.0),
    (-0.0, -0.0, 0.0),
    (INF, NAN, INF),
    (NAN, -INF, INF),
    (NAN, 1.0, NAN),
    (1.0, NAN, NAN),
    (INF, 1.0, INF),
    (1.0, -INF, INF),
    (3.0, 4.0, 5.0),
    (-3.0, 4.0, 5.0),
    (3.0 * HUGE, 4.0 * HUGE, 5.0 * HUGE),
    (5e-324, 0.0, 5e-324),
    (0.0, -5e-324, 5e-324),
    (f64::MAX, f64::MAX, INF),
    (f64::MAX, 0.0, f64::MAX),
    (INF, -INF, INF),
    (-7.0, 0.0, 7.0),
];

const ARCTAN2: &[(f64, f64, f64)] = &[
    (0.0, 1.0, 0.0),
    (-0.0, 1.0, -0.0),
    (0.0, -1.0, PI),
    (-0.0, -1.0, -PI),
    (0.0, 0.0, 0.0),
    (-0.0, 0.0, -0.0),
    (0.0, -0.0, PI),
    (-0.0, -0.0, -PI),
    (1.0, 0.0, FRAC_PI_2),
    (1.0, -0.0, FRAC_PI_2),
    (-1.0, 0.0, -FRAC_PI_2),
    (INF, INF, FRAC_PI_4),
    (-INF, INF, -FRAC_PI_4),
    (INF, -INF, 3.0 * FRAC_PI_4),
    (-INF, -INF, -3.0 * FRAC_PI_4),
    (INF, 1.0, FRAC_PI_2),
    (-INF, 1.0, -FRAC_PI_2),
    (1.0, INF, 0.0),
    (-1.0, INF, -0.0),
    (1.0, -INF, PI),
    (-1.0, -INF, -PI),
    (NAN, 1.0, NAN),
    (1.0, NAN, NAN),
    (NAN, NAN, NAN),
    (1e300, 1e-300, FRAC_PI_2),
    (1e-300, 1e300, 0.0),
    (1e-300, -1e300, PI),
    (5e-324, 1.0, 5e-324),
    (1.0, 1.0, FRAC_PI_4),
];

const LOGADDEXP: &[(f64, f64, f64)] = &[
    (INF, INF, INF),
    (-INF, -INF, -INF),
    (INF, -INF, INF),
    (-INF, INF, INF),
    (NAN, 1.0, NAN),
    (1.0, NAN, NAN),
    (NAN, INF, NAN),
    (-INF, 3.0, 3.0),
    (3.0, -INF, 3.0),
    (1e300, 1.0, 1e300),
    (1.0, 1e300, 1e300),
    (-1e300, 2.0, 2.0),
    (INF, 1.0, INF),
    (2000.0, 0.0, 2000.0),
];
