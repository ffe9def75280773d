//! Functions become their approximate siblings, where `fastmath` allows these.

use super::{Options, rebuild};
use crate::ir::{Callee, Inst, Program};
use crate::registry;
use crate::registry::function::Body;
use std::sync::Arc;

pub(super) fn run(program: &mut Program, options: &Options) {
    if !options.fastmath.afn {
        return;
    }
    for body in &mut program.loops {
        let has_sibling = |inst: &Inst| matches!(inst, Inst::Call(callee, _) if sibling(callee).is_some());
        if !body.insts.iter().any(has_sibling) {
            continue;
        }
        rebuild(body, |new, _, mut inst, dtype| {
            if let Inst::Call(callee, _) = &mut inst
                && let Some(approximate) = sibling(callee)
            {
                *callee = approximate.clone();
            }
            Some(new.push(inst, dtype))
        });
    }
}

/// The approximate function in place of a built-in one.
fn sibling(callee: &Callee) -> Option<&'static Arc<Callee>> {
    let Body::Native(_, floats) = &registry::builtin().get(&*callee.name)?.body else { return None };
    let approximate = floats.approximate(callee.result)?;
    // A name alone may be another function's.
    (**floats.get(callee.result) == *callee).then_some(approximate)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dtype::DType;
    use crate::ir::{Loop, OperandId};
    use crate::opt::FastMath;

    /// The names of the functions that a loop calls after the pass.
    fn called(function: &str, dtype: DType, afn: bool) -> Vec<String> {
        let Body::Native(_, floats) = &registry::builtin()[function].body else { panic!("{function}") };
        let mut body = Loop::default();
        let x = body.load(OperandId(0), dtype);
        let value = floats.call(&mut body, dtype, &[x]);
        let value = floats.call(&mut body, dtype, &[value]);
        body.push(Inst::Store(OperandId(1), value), None);
        let mut program = Program { loops: vec![body], ..Program::default() };
        run(&mut program, &Options { fastmath: FastMath { afn, ..FastMath::default() }, ..Options::default() });
        let name = |inst: &Inst| if let Inst::Call(callee, _) = inst { Some(callee.name.to_string()) } else { None };
        program.loops[0].insts.iter().filter_map(name).collect()
    }

    #[test]
    fn functions_with_siblings_become_these_where_allowed() {
        assert_eq!(called("erfc", DType::F64, true), ["erfc_approximate"; 2]);
        assert_eq!(called("erfc", DType::F64, false), ["erfc"; 2]);
        assert_eq!(called("log", DType::F32, true), ["log_approximate"; 2]);
        // Nothing is gained in float32.
        assert_eq!(called("erfc", DType::F32, true), ["erfc"; 2]);
        assert_eq!(called("erfinv", DType::F64, true), ["erfinv"; 2]);
    }

    #[test]
    fn another_function_of_the_same_name_stays() {
        use crate::ir::CalleeFn;
        extern "C" fn half(x: f64) -> f64 {
            x / 2.0
        }
        assert!(sibling(&(half as extern "C" fn(f64) -> f64).callee("erfc")).is_none());
    }
}
