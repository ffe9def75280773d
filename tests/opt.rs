//! Random programs: their text form reads back, and no pass changes what they do.

#[path = "common/programs.rs"]
mod programs;
#[path = "common/random.rs"]
mod random;

use numfuse::ir::{Inst, Op, Program, parse::parse, verify::verify};
use numfuse::opt::{FastMath, Options, PASSES, optimise};
use programs::{Generator, Shape, resolve, run, same};
use random::Random;

fn insts(program: &Program) -> usize {
    program.loops.iter().map(|body| body.insts.len()).sum()
}

#[test]
fn text_form_round_trips() {
    let mut generator = Generator::new();
    for _ in 0..500 {
        let program = generator.program();
        let text = program.to_string();
        verify(&program).unwrap_or_else(|error| panic!("{error}\n{text}"));
        let again = parse(&text, &resolve).unwrap_or_else(|error| panic!("{error}\n{text}"));
        assert_eq!(again.to_string(), text);
        assert_eq!(again.operands, program.operands);
        assert_eq!(again.guards, program.guards);
        for (again, body) in again.loops.iter().zip(&program.loops) {
            assert_eq!((&again.insts, &again.types), (&body.insts, &body.types));
        }
    }
}

/// Runs a program before and after some passes on random elements.
fn check_preserved(generator: &mut Generator, program: &Program, options: &Options) -> (Program, usize, usize) {
    let mut optimised = program.clone();
    optimise(&mut optimised, options);
    verify(&optimised).unwrap_or_else(|error| panic!("{error}\n{program}\nafter {options:?}\n{optimised}"));
    let (mut failed, mut nan) = (0, 0);
    for _ in 0..8 {
        let elements = generator.elements(program);
        let (expected, error) = run(program, &elements);
        let (got, error_got) = run(&optimised, &elements);
        assert_eq!(error, error_got, "{elements:?}\n{program}\nafter {options:?}\n{optimised}");
        failed += usize::from(error.is_some());
        for (index, (expected, got)) in expected.iter().zip(&got).enumerate() {
            nan += usize::from(expected.dtype.is_float() && expected.as_f64().is_nan());
            assert!(
                same(*expected, *got),
                "a{index}: {got}, not {expected} of {elements:?}\n{program}\nafter {options:?}\n{optimised}"
            );
        }
    }
    (optimised, failed, nan)
}

#[test]
fn passes_preserve_every_bit() {
    let mut generator = Generator::new();
    let (mut before, mut after, mut failed, mut nan) = (0, 0, 0, 0);
    for round in 0..6000 {
        let program = generator.program();
        // All passes, or one of them alone.
        let disabled = match PASSES.get(round % (PASSES.len() + 1)) {
            None => vec![],
            Some(alone) => PASSES.iter().map(|p| p.name).filter(|n| *n != alone.name).map(String::from).collect(),
        };
        let options = Options { disabled, ..Options::default() };
        let (optimised, failures, nans) = check_preserved(&mut generator, &program, &options);
        if options.disabled.is_empty() {
            before += insts(&program);
            after += insts(&optimised);
        }
        failed += failures;
        nan += nans;
    }
    println!("{}all passes: {before} to {after} instructions", generator.statistics);
    println!("{failed} of 48000 lanes ended by a guard, {nan} NaN elements");
    assert_eq!(generator.statistics.missing(), Vec::<String>::new());
    assert!(after < before, "nothing was ever optimised");
    assert!((1000..24_000).contains(&failed), "{failed} lanes ended by a guard");
}

/// What contraction may change is the rounding of products: with values so few bits long that
/// nothing is rounded, it changes nothing.
#[test]
fn contraction_is_exact_on_small_integers() {
    use numfuse::dtype::{DType, Scalar};
    use numfuse::ir::{Args, Loop, Operand, OperandId, Role};
    let mut random = Random::new();
    let mut fused = 0;
    for dtype in [DType::F32, DType::F64].into_iter().cycle().take(500) {
        let operand = |index: u32, role| Operand { name: format!("x{index}").into(), dtype, role, offset: 0 };
        let mut program = Program::default();
        let mut body = Loop::default();
        for index in 0..4 {
            program.operands.push(operand(index, Role::Argument(index)));
            body.push(Inst::Load(OperandId(index)), Some(dtype));
        }
        program.operands.push(operand(4, Role::Output(0)));
        // A sum of products, each sign and order as it comes.
        let mut sum = numfuse::ir::Value(random.below(4) as u32);
        for _ in 0..6 {
            let factors = [0; 2].map(|_: u32| numfuse::ir::Value(random.below(4) as u32));
            let product = body.push(Inst::Op(Op::Mul, Args::new(&factors)), Some(dtype));
            let op = *random.choose(&[Op::Add, Op::Sub]);
            let terms = if random.chance(50) { [sum, product] } else { [product, sum] };
            sum = body.push(Inst::Op(op, Args::new(&terms)), Some(dtype));
        }
        body.push(Inst::Store(OperandId(4), sum), None);
        program.loops.push(body);
        let mut optimised = program.clone();
        optimise(
            &mut optimised,
            &Options { fastmath: FastMath { contract: true, ..FastMath::default() }, ..Options::default() },
        );
        fused += optimised.loops[0].insts.iter().filter(|inst| matches!(inst, Inst::Op(Op::Fma, _))).count();
        for _ in 0..4 {
            let elements: Vec<Scalar> = (0..5).map(|_| Scalar::of(dtype, random.below(200) as f64 - 100.0)).collect();
            let (expected, got) = (run(&program, &elements).0[4], run(&optimised, &elements).0[4]);
            assert_eq!(expected.as_f64(), got.as_f64(), "{elements:?}\n{program}\n{optimised}");
        }
    }
    println!("{fused} products fused");
    assert!(fused > 1000, "{fused} products fused");
}

/// Shapes narrower than everything give what they say.
#[test]
fn a_generator_keeps_to_its_shape() {
    use numfuse::dtype::DType;
    let shape = Shape { dtypes: vec![DType::F64], insts: 5, loops: 1, calls: false, guards: false };
    let mut generator = Generator::of(shape);
    for _ in 0..100 {
        let program = generator.program();
        assert_eq!(program.loops.len(), 1);
        assert!(program.operands.iter().all(|operand| operand.dtype == DType::F64));
        let unwanted = |inst: &Inst| matches!(inst, Inst::Call(..) | Inst::Guard(..));
        assert!(!program.loops[0].insts.iter().any(unwanted), "{program}");
    }
}
