//! From the typed program to x86-64 machine code for 256-bit (AVX2) and 512-bit (AVX-512) vectors.
//!
//! One loop of the program becomes one function with the ABI of [`super::Entry`], as bytes: the
//! code, then its constants. Nothing in it depends on where it lies.
//!
//! ```text
//! entry:  values of Constant operands and what depends on them alone, as vectors of equal lanes
//! row:    addresses of this row, values of Row operands
//! main:   several vectors a turn, their instructions interleaved
//! rest:   one vector a turn, masked; where AVX2 has no masked moves, the last in a copy on the stack
//! ```
//!
//! [`plan`] decides the places and how many lanes a vector has, [`loops`] builds the loops, [`fold`] those of
//! reductions, [`select`] the instructions of each primitive, [`func`] holds them, [`emit`] has registers allocated and
//! writes the bytes with [`encode`] and the table of [`isa`].
//!
//! **Lanes.** All values of a loop have the same number of lanes: as many as fill a vector of the
//! widest type. Narrower values are in the low part of a register. In AVX2, a bool is a lane of the
//! widest size, all ones or all zeros; in AVX-512 a bit of a mask register.
//!
//! Every value is what [`crate::interp`] says. What is lacking is named by [`LACKING`].

mod apart;
mod emit;
mod encode;
mod fold;
mod func;
mod isa;
mod loops;
mod plan;
mod select;

use super::Layout;
use crate::ir::{Inst, Op, Program};
use std::fmt;

/// An instruction set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Level {
    /// AVX2 with FMA and BMI2: 256 bits.
    Avx2,
    /// AVX-512 F, BW, DQ and VL, with BMI2: 512 bits.
    Avx512,
}

impl Level {
    /// The bytes of a vector.
    pub const fn bytes(self) -> usize {
        match self {
            Level::Avx2 => 32,
            Level::Avx512 => 64,
        }
    }

    /// How many vector registers there are.
    const fn registers(self) -> usize {
        match self {
            Level::Avx2 => 16,
            Level::Avx512 => 32,
        }
    }
}

/// The widest level that this machine has, if it has one.
pub fn detect() -> Option<Level> {
    #[cfg(target_arch = "x86_64")]
    {
        let avx2 =
            is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") && is_x86_feature_detected!("bmi2");
        let avx512 = is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512vl");
        match (avx2, avx512) {
            (true, true) => Some(Level::Avx512),
            (true, false) => Some(Level::Avx2),
            _ => None,
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    None
}

/// A loop for which there is no such code: another back end takes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unsupported {
    /// What it has that is lacking here.
    pub reason: &'static str,
}

impl fmt::Display for Unsupported {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.reason)
    }
}

impl std::error::Error for Unsupported {}

/// The primitives that are lacking, for all their types, and why. Everything else is there, for all
/// types.
pub const LACKING: &[(Op, &str)] = &[
    (Op::FloorDiv, "the machine divides no vectors of integers: a block function"),
    (Op::FloorMod, "the machine divides no vectors of integers: a block function"),
    (Op::TruncMod, "the machine divides no vectors of integers: a block function"),
    (Op::AddOverflows, "checks Python's own numbers, once a call"),
    (Op::SubOverflows, "checks Python's own numbers, once a call"),
    (Op::MulOverflows, "checks Python's own numbers, once a call"),
];

/// What is lacking for an instruction.
fn lacks(inst: &Inst) -> Option<&'static str> {
    match inst {
        Inst::Op(op, _) => LACKING.iter().find(|(lacking, _)| lacking == op).map(|(_, reason)| *reason),
        Inst::Call(..) => Some("a call of a scalar function"),
        Inst::Guard(..) => Some("a guard"),
        _ => None,
    }
}

/// The machine code of a loop: position-independent bytes, to be entered at the first, with an
/// alignment of 64 bytes. `layouts` has one entry for each of the program's operands.
pub fn lower(program: &Program, loop_index: usize, layouts: &[Layout], level: Level) -> Result<Vec<u8>, Unsupported> {
    let body = program.loops.get(loop_index).ok_or(Unsupported { reason: "no such loop" })?;
    if layouts.len() != program.operands.len() {
        return Err(Unsupported { reason: "a program needs a layout for each of its operands" });
    }
    let plan = plan::Plan::new(program, body, layouts, level)?;
    loops::Builder::new(program, body, layouts, &plan, level).build()
}

/// The machine code of a loop, disassembled.
pub fn text(program: &Program, loop_index: usize, layouts: &[Layout], level: Level) -> Result<String, Unsupported> {
    use iced_x86::{Decoder, DecoderOptions, FastFormatter};
    let code = lower(program, loop_index, layouts, level)?;
    let mut decoder = Decoder::with_ip(64, &code, 0, DecoderOptions::NONE);
    let mut formatter = FastFormatter::new();
    let mut text = String::new();
    while decoder.can_decode() {
        let inst = decoder.decode();
        text.push_str(&format!("{:6x}  ", inst.ip()));
        formatter.format(&inst, &mut text);
        text.push('\n');
        if inst.code() == iced_x86::Code::Retnq {
            break;
        }
    }
    Ok(text)
}
