//! Drops the instructions whose values nothing uses and that do nothing else, and renumbers the rest.

use super::Options;
use crate::ir::{Loop, Program, Value};

pub(super) fn run(program: &mut Program, _: &Options) {
    for body in &mut program.loops {
        drop_unused(body);
    }
}

fn drop_unused(body: &mut Loop) {
    let mut used = vec![false; body.insts.len()];
    // Uses come after definitions, so one walk backwards finds all.
    for (index, inst) in body.insts.iter().enumerate().rev() {
        if used[index] || inst.must_stay() {
            used[index] = true;
            inst.args().iter().for_each(|arg| used[arg.0 as usize] = true);
        }
    }
    let mut renamed = vec![Value(0); body.insts.len()];
    let mut kept = 0;
    for index in 0..body.insts.len() {
        if used[index] {
            renamed[index] = Value(kept as u32);
            for arg in body.insts[index].args_mut() {
                *arg = renamed[arg.0 as usize];
            }
            body.insts.swap(kept, index);
            body.types.swap(kept, index);
            kept += 1;
        }
    }
    body.insts.truncate(kept);
    body.types.truncate(kept);
}

#[cfg(test)]
mod tests {
    use crate::opt::{Options, tests::check};

    #[test]
    fn before_and_after() {
        for (before, after) in [
            // Unused loads go too; operands keep their numbers.
            ("v0: float64 = load a0; v1: float64 = load a1; store a4, v1", "v0: float64 = load a1; store a4, v0"),
            // What only unused values use.
            (
                "v0: float64 = load a0; v1: float64 = neg v0; v2: float64 = call \"half\"(v1); v3: bool = load a3; \
                 guard v3, g0",
                "v0: bool = load a3; guard v0, g0",
            ),
            ("v0: float64 = load a0", ""),
            ("v0: float64 = load a0; store a4, v0", "v0: float64 = load a0; store a4, v0"),
        ] {
            check(&["dce"], &Options::default(), before, after);
        }
    }
}
