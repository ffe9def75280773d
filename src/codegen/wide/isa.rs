//! The instructions that selection uses, each as the manuals write its encoding:
//! `VEX.66.0F38.W0 47 /r`.
//!
//! A row may have a VEX form, an EVEX form, or both under one opcode; [`super::encode`] takes the
//! shorter one that can express an instruction's registers, width and mask. That is known only when
//! registers are allocated, which is why there is no assembler between: its instructions have a name
//! for each form and width. A decoder that is not ours checks every row.

/// The W bit of one of a row's forms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum W {
    /// There is no such form.
    No,
    /// Ignored by the processor.
    Ig,
    /// 0.
    W0,
    /// 1.
    W1,
}

/// The mandatory prefix, in its two-bit encoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Prefix {
    NP = 0,
    P66 = 1,
    F3 = 2,
    F2 = 3,
}

/// The opcode map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Map {
    /// One byte, general-purpose instructions only.
    One = 0,
    M0F = 1,
    M38 = 2,
    M3A = 3,
}

/// How much memory an instruction reads or writes: the unit of EVEX's short displacements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tuple {
    /// A vector, or one element of this size broadcast to all lanes (EVEX only).
    Full(u8),
    /// A vector.
    Mem,
    /// Half a vector, a quarter, an eighth.
    Half,
    Quarter,
    Eighth,
    /// So many bytes.
    Bytes(u8),
    /// The source must be a register (in the VEX form at least).
    Reg,
}

/// An instruction's encoding.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Row {
    /// The mnemonic of the VEX form, or of the only one.
    pub(super) name: &'static str,
    pub(super) prefix: Prefix,
    pub(super) map: Map,
    pub(super) opcode: u8,
    /// What stands in the place of a register operand, if anything.
    pub(super) digit: Option<u8>,
    pub(super) vex: W,
    pub(super) evex: W,
    pub(super) tuple: Tuple,
}

macro_rules! rows {
    ($($row:ident $name:literal $prefix:ident $map:ident $opcode:literal $(/ $digit:literal)? $vex:ident $evex:ident $tuple:expr;)+) => {
        $(pub(super) static $row: Row = Row {
            name: $name,
            prefix: Prefix::$prefix,
            map: Map::$map,
            opcode: $opcode,
            digit: [$(Some($digit),)? None][0],
            vex: W::$vex,
            evex: W::$evex,
            tuple: $tuple,
        };)+

        #[cfg(test)]
        static ALL: &[&Row] = &[$(&$row),+];
    };
}

use Tuple::{Bytes, Eighth, Full, Half, Mem, Quarter, Reg};

#[rustfmt::skip]
rows! {
    // Floating-point arithmetic.
    VADDPS "vaddps" NP M0F 0x58 Ig W0 Full(4);
    VADDPD "vaddpd" P66 M0F 0x58 Ig W1 Full(8);
    VSUBPS "vsubps" NP M0F 0x5c Ig W0 Full(4);
    VSUBPD "vsubpd" P66 M0F 0x5c Ig W1 Full(8);
    VMULPS "vmulps" NP M0F 0x59 Ig W0 Full(4);
    VMULPD "vmulpd" P66 M0F 0x59 Ig W1 Full(8);
    VDIVPS "vdivps" NP M0F 0x5e Ig W0 Full(4);
    VDIVPD "vdivpd" P66 M0F 0x5e Ig W1 Full(8);
    VMINPS "vminps" NP M0F 0x5d Ig W0 Full(4);
    VMINPD "vminpd" P66 M0F 0x5d Ig W1 Full(8);
    VMAXPS "vmaxps" NP M0F 0x5f Ig W0 Full(4);
    VMAXPD "vmaxpd" P66 M0F 0x5f Ig W1 Full(8);
    VSQRTPS "vsqrtps" NP M0F 0x51 Ig W0 Full(4);
    VSQRTPD "vsqrtpd" P66 M0F 0x51 Ig W1 Full(8);
    VROUNDPS "vroundps" P66 M3A 0x08 Ig W0 Full(4);
    VROUNDPD "vroundpd" P66 M3A 0x09 Ig W1 Full(8);
    VFMADD213PS "vfmadd213ps" P66 M38 0xa8 W0 W0 Full(4);
    VFMADD213PD "vfmadd213pd" P66 M38 0xa8 W1 W1 Full(8);
    VCMPPS "vcmpps" NP M0F 0xc2 Ig No Full(4);
    VCMPPD "vcmppd" P66 M0F 0xc2 Ig No Full(8);
    // Into mask registers, which is another instruction though it has the same name.
    VCMPPS_MASK "vcmpps" NP M0F 0xc2 No W0 Full(4);
    VCMPPD_MASK "vcmppd" P66 M0F 0xc2 No W1 Full(8);
    VANDPS "vandps" NP M0F 0x54 Ig W0 Full(4);
    VANDPD "vandpd" P66 M0F 0x54 Ig W1 Full(8);
    VORPS "vorps" NP M0F 0x56 Ig W0 Full(4);
    VORPD "vorpd" P66 M0F 0x56 Ig W1 Full(8);
    VXORPS "vxorps" NP M0F 0x57 Ig W0 Full(4);
    VXORPD "vxorpd" P66 M0F 0x57 Ig W1 Full(8);
    // Conversions.
    VCVTPS2PD "vcvtps2pd" NP M0F 0x5a Ig W0 Half;
    VCVTPD2PS "vcvtpd2ps" P66 M0F 0x5a Ig W1 Full(8);
    VCVTDQ2PS "vcvtdq2ps" NP M0F 0x5b Ig W0 Full(4);
    VCVTDQ2PD "vcvtdq2pd" F3 M0F 0xe6 Ig W0 Half;
    VCVTTPS2DQ "vcvttps2dq" F3 M0F 0x5b Ig W0 Full(4);
    VCVTTPD2DQ "vcvttpd2dq" P66 M0F 0xe6 Ig W1 Full(8);
    VCVTUDQ2PS "vcvtudq2ps" F2 M0F 0x7a No W0 Full(4);
    VCVTUDQ2PD "vcvtudq2pd" F3 M0F 0x7a No W0 Half;
    VCVTQQ2PS "vcvtqq2ps" NP M0F 0x5b No W1 Full(8);
    VCVTQQ2PD "vcvtqq2pd" F3 M0F 0xe6 No W1 Full(8);
    VCVTUQQ2PS "vcvtuqq2ps" F2 M0F 0x7a No W1 Full(8);
    VCVTUQQ2PD "vcvtuqq2pd" F3 M0F 0x7a No W1 Full(8);
    VCVTTPD2QQ "vcvttpd2qq" P66 M0F 0x7a No W1 Full(8);
    VCVTTSD2SI "vcvttsd2si" F2 M0F 0x2c W1 W1 Bytes(8);
    // Integer arithmetic.
    VPADDB "vpaddb" P66 M0F 0xfc Ig Ig Mem;
    VPADDW "vpaddw" P66 M0F 0xfd Ig Ig Mem;
    VPADDD "vpaddd" P66 M0F 0xfe Ig W0 Full(4);
    VPADDQ "vpaddq" P66 M0F 0xd4 Ig W1 Full(8);
    VPSUBB "vpsubb" P66 M0F 0xf8 Ig Ig Mem;
    VPSUBW "vpsubw" P66 M0F 0xf9 Ig Ig Mem;
    VPSUBD "vpsubd" P66 M0F 0xfa Ig W0 Full(4);
    VPSUBQ "vpsubq" P66 M0F 0xfb Ig W1 Full(8);
    VPMULLW "vpmullw" P66 M0F 0xd5 Ig Ig Mem;
    VPMULLD "vpmulld" P66 M38 0x40 Ig W0 Full(4);
    VPMULLQ "vpmullq" P66 M38 0x40 No W1 Full(8);
    VPMULUDQ "vpmuludq" P66 M0F 0xf4 Ig W1 Full(8);
    VPABSB "vpabsb" P66 M38 0x1c Ig Ig Mem;
    VPABSW "vpabsw" P66 M38 0x1d Ig Ig Mem;
    VPABSD "vpabsd" P66 M38 0x1e Ig W0 Full(4);
    VPABSQ "vpabsq" P66 M38 0x1f No W1 Full(8);
    VPMINSB "vpminsb" P66 M38 0x38 Ig Ig Mem;
    VPMINSW "vpminsw" P66 M0F 0xea Ig Ig Mem;
    VPMINSD "vpminsd" P66 M38 0x39 Ig W0 Full(4);
    VPMINSQ "vpminsq" P66 M38 0x39 No W1 Full(8);
    VPMINUB "vpminub" P66 M0F 0xda Ig Ig Mem;
    VPMINUW "vpminuw" P66 M38 0x3a Ig Ig Mem;
    VPMINUD "vpminud" P66 M38 0x3b Ig W0 Full(4);
    VPMINUQ "vpminuq" P66 M38 0x3b No W1 Full(8);
    VPMAXSB "vpmaxsb" P66 M38 0x3c Ig Ig Mem;
    VPMAXSW "vpmaxsw" P66 M0F 0xee Ig Ig Mem;
    VPMAXSD "vpmaxsd" P66 M38 0x3d Ig W0 Full(4);
    VPMAXSQ "vpmaxsq" P66 M38 0x3d No W1 Full(8);
    VPMAXUB "vpmaxub" P66 M0F 0xde Ig Ig Mem;
    VPMAXUW "vpmaxuw" P66 M38 0x3e Ig Ig Mem;
    VPMAXUD "vpmaxud" P66 M38 0x3f Ig W0 Full(4);
    VPMAXUQ "vpmaxuq" P66 M38 0x3f No W1 Full(8);
    // Bits.
    VPAND "vpand" P66 M0F 0xdb Ig W1 Full(8);
    VPOR "vpor" P66 M0F 0xeb Ig W1 Full(8);
    VPXOR "vpxor" P66 M0F 0xef Ig W1 Full(8);
    VPSLLW_I "vpsllw" P66 M0F 0x71 /6 Ig Ig Reg;
    VPSRLW_I "vpsrlw" P66 M0F 0x71 /2 Ig Ig Reg;
    VPSRAW_I "vpsraw" P66 M0F 0x71 /4 Ig Ig Reg;
    VPSLLD_I "vpslld" P66 M0F 0x72 /6 Ig W0 Reg;
    VPSRLD_I "vpsrld" P66 M0F 0x72 /2 Ig W0 Reg;
    VPSRAD_I "vpsrad" P66 M0F 0x72 /4 Ig W0 Reg;
    VPSLLQ_I "vpsllq" P66 M0F 0x73 /6 Ig W1 Reg;
    VPSRLQ_I "vpsrlq" P66 M0F 0x73 /2 Ig W1 Reg;
    VPSRAQ_I "vpsraq" P66 M0F 0x72 /4 No W1 Reg;
    VPSLLVW "vpsllvw" P66 M38 0x12 No W1 Mem;
    VPSRLVW "vpsrlvw" P66 M38 0x10 No W1 Mem;
    VPSRAVW "vpsravw" P66 M38 0x11 No W1 Mem;
    VPSLLVD "vpsllvd" P66 M38 0x47 W0 W0 Full(4);
    VPSRLVD "vpsrlvd" P66 M38 0x45 W0 W0 Full(4);
    VPSRAVD "vpsravd" P66 M38 0x46 W0 W0 Full(4);
    VPSLLVQ "vpsllvq" P66 M38 0x47 W1 W1 Full(8);
    VPSRLVQ "vpsrlvq" P66 M38 0x45 W1 W1 Full(8);
    VPSRAVQ "vpsravq" P66 M38 0x46 No W1 Full(8);
    // Comparisons and choices.
    VPCMPEQB "vpcmpeqb" P66 M0F 0x74 Ig No Mem;
    VPCMPEQW "vpcmpeqw" P66 M0F 0x75 Ig No Mem;
    VPCMPEQD "vpcmpeqd" P66 M0F 0x76 Ig No Mem;
    VPCMPEQQ "vpcmpeqq" P66 M38 0x29 Ig No Mem;
    VPCMPGTB "vpcmpgtb" P66 M0F 0x64 Ig No Mem;
    VPCMPGTW "vpcmpgtw" P66 M0F 0x65 Ig No Mem;
    VPCMPGTD "vpcmpgtd" P66 M0F 0x66 Ig No Mem;
    VPCMPGTQ "vpcmpgtq" P66 M38 0x37 Ig No Mem;
    VPCMPB "vpcmpb" P66 M3A 0x3f No W0 Mem;
    VPCMPW "vpcmpw" P66 M3A 0x3f No W1 Mem;
    VPCMPD "vpcmpd" P66 M3A 0x1f No W0 Full(4);
    VPCMPQ "vpcmpq" P66 M3A 0x1f No W1 Full(8);
    VPCMPUB "vpcmpub" P66 M3A 0x3e No W0 Mem;
    VPCMPUW "vpcmpuw" P66 M3A 0x3e No W1 Mem;
    VPCMPUD "vpcmpud" P66 M3A 0x1e No W0 Full(4);
    VPCMPUQ "vpcmpuq" P66 M3A 0x1e No W1 Full(8);
    VPTESTMB "vptestmb" P66 M38 0x26 No W0 Mem;
    VPBLENDVB "vpblendvb" P66 M3A 0x4c W0 No Mem;
    VBLENDVPS "vblendvps" P66 M3A 0x4a W0 No Mem;
    VBLENDVPD "vblendvpd" P66 M3A 0x4b W0 No Mem;
    VPBLENDD "vpblendd" P66 M3A 0x02 W0 No Mem;
    VPBLENDMB "vpblendmb" P66 M38 0x66 No W0 Mem;
    VPBLENDMW "vpblendmw" P66 M38 0x66 No W1 Mem;
    VPBLENDMD "vpblendmd" P66 M38 0x64 No W0 Full(4);
    VPBLENDMQ "vpblendmq" P66 M38 0x64 No W1 Full(8);
    VBLENDMPS "vblendmps" P66 M38 0x65 No W0 Full(4);
    VBLENDMPD "vblendmpd" P66 M38 0x65 No W1 Full(8);
    // Widening, narrowing, shuffling.
    VPMOVSXBW "vpmovsxbw" P66 M38 0x20 Ig Ig Half;
    VPMOVSXBD "vpmovsxbd" P66 M38 0x21 Ig Ig Quarter;
    VPMOVSXBQ "vpmovsxbq" P66 M38 0x22 Ig Ig Eighth;
    VPMOVSXWD "vpmovsxwd" P66 M38 0x23 Ig Ig Half;
    VPMOVSXWQ "vpmovsxwq" P66 M38 0x24 Ig Ig Quarter;
    VPMOVSXDQ "vpmovsxdq" P66 M38 0x25 Ig W0 Half;
    VPMOVZXBW "vpmovzxbw" P66 M38 0x30 Ig Ig Half;
    VPMOVZXBD "vpmovzxbd" P66 M38 0x31 Ig Ig Quarter;
    VPMOVZXBQ "vpmovzxbq" P66 M38 0x32 Ig Ig Eighth;
    VPMOVZXWD "vpmovzxwd" P66 M38 0x33 Ig Ig Half;
    VPMOVZXWQ "vpmovzxwq" P66 M38 0x34 Ig Ig Quarter;
    VPMOVZXDQ "vpmovzxdq" P66 M38 0x35 Ig W0 Half;
    VPMOVWB "vpmovwb" F3 M38 0x30 No W0 Half;
    VPMOVDB "vpmovdb" F3 M38 0x31 No W0 Quarter;
    VPMOVQB "vpmovqb" F3 M38 0x32 No W0 Eighth;
    VPMOVDW "vpmovdw" F3 M38 0x33 No W0 Half;
    VPMOVQW "vpmovqw" F3 M38 0x34 No W0 Quarter;
    VPMOVQD "vpmovqd" F3 M38 0x35 No W0 Half;
    VPSHUFB "vpshufb" P66 M38 0x00 Ig Ig Mem;
    VPSHUFD "vpshufd" P66 M0F 0x70 Ig W0 Full(4);
    VPERMQ "vpermq" P66 M3A 0x00 W1 W1 Full(8);
    VPUNPCKLDQ "vpunpckldq" P66 M0F 0x62 Ig W0 Full(4);
    VPUNPCKHDQ "vpunpckhdq" P66 M0F 0x6a Ig W0 Full(4);
    VUNPCKLPD "vunpcklpd" P66 M0F 0x14 Ig W1 Full(8);
    VUNPCKHPD "vunpckhpd" P66 M0F 0x15 Ig W1 Full(8);
    VSHUFPS "vshufps" NP M0F 0xc6 Ig W0 Full(4);
    VEXTRACTI128 "vextracti128" P66 M3A 0x39 W0 W0 Bytes(16);
    VINSERTI128 "vinserti128" P66 M3A 0x38 W0 W0 Bytes(16);
    VINSERTI64X4 "vinserti64x4" P66 M3A 0x3a No W1 Bytes(32);
    VEXTRACTI64X4 "vextracti64x4" P66 M3A 0x3b No W1 Bytes(32);
    VPINSRD "vpinsrd" P66 M3A 0x22 W0 W0 Bytes(4);
    VPEXTRD_STORE "vpextrd" P66 M3A 0x16 W0 W0 Bytes(4);
    VPINSRQ "vpinsrq" P66 M3A 0x22 W1 W1 Bytes(8);
    VPBROADCASTB "vpbroadcastb" P66 M38 0x78 W0 W0 Bytes(1);
    VPBROADCASTW "vpbroadcastw" P66 M38 0x79 W0 W0 Bytes(2);
    VPBROADCASTD "vpbroadcastd" P66 M38 0x58 W0 W0 Bytes(4);
    VPBROADCASTQ "vpbroadcastq" P66 M38 0x59 W0 W1 Bytes(8);
    // Moves.
    VMOVDQU "vmovdqu" F3 M0F 0x6f Ig W1 Mem;
    VMOVDQU_STORE "vmovdqu" F3 M0F 0x7f Ig W1 Mem;
    VMOVNTDQ "vmovntdq" P66 M0F 0xe7 Ig W0 Mem;
    VMOVDQU8 "vmovdqu8" F2 M0F 0x6f No W0 Mem;
    VMOVDQU8_STORE "vmovdqu8" F2 M0F 0x7f No W0 Mem;
    VMOVDQU16 "vmovdqu16" F2 M0F 0x6f No W1 Mem;
    VMOVDQU16_STORE "vmovdqu16" F2 M0F 0x7f No W1 Mem;
    VMOVDQU32 "vmovdqu32" F3 M0F 0x6f No W0 Mem;
    VMOVDQU32_STORE "vmovdqu32" F3 M0F 0x7f No W0 Mem;
    VMOVDQU64 "vmovdqu64" F3 M0F 0x6f No W1 Mem;
    VMOVDQU64_STORE "vmovdqu64" F3 M0F 0x7f No W1 Mem;
    VMOVD "vmovd" P66 M0F 0x6e W0 W0 Bytes(4);
    VMOVD_STORE "vmovd" P66 M0F 0x7e W0 W0 Bytes(4);
    VMOVQ "vmovq" F3 M0F 0x7e Ig W1 Bytes(8);
    VMOVQ_STORE "vmovq" P66 M0F 0xd6 Ig W1 Bytes(8);
    VMOVHPD "vmovhpd" P66 M0F 0x16 Ig W1 Bytes(8);
    VMOVHPD_STORE "vmovhpd" P66 M0F 0x17 Ig W1 Bytes(8);
    VMOVQ_GPR "vmovq" P66 M0F 0x6e W1 W1 Bytes(8);
    VPMASKMOVD "vpmaskmovd" P66 M38 0x8c W0 No Mem;
    VPMASKMOVD_STORE "vpmaskmovd" P66 M38 0x8e W0 No Mem;
    VPMASKMOVQ "vpmaskmovq" P66 M38 0x8c W1 No Mem;
    VPMASKMOVQ_STORE "vpmaskmovq" P66 M38 0x8e W1 No Mem;
    // Masks.
    KANDQ "kandq" NP M0F 0x41 W1 No Reg;
    KANDNQ "kandnq" NP M0F 0x42 W1 No Reg;
    KORQ "korq" NP M0F 0x45 W1 No Reg;
    KXNORQ "kxnorq" NP M0F 0x46 W1 No Reg;
    KXORQ "kxorq" NP M0F 0x47 W1 No Reg;
    KNOTQ "knotq" NP M0F 0x44 W1 No Reg;
    KMOVQ "kmovq" NP M0F 0x90 W1 No Bytes(8);
    KMOVQ_STORE "kmovq" NP M0F 0x91 W1 No Bytes(8);
    KMOVQ_GPR "kmovq" F2 M0F 0x92 W1 No Reg;
    VPMOVM2Q "vpmovm2q" F3 M38 0x38 No W1 Reg;
    VPMOVB2M "vpmovb2m" F3 M38 0x29 No W0 Reg;
    // General-purpose registers.
    BZHI "bzhi" NP M38 0xf5 W1 No Reg;
    MOV "mov" NP One 0x8b No No Bytes(8);
    MOV_STORE "mov" NP One 0x89 No No Bytes(8);
    MOV_IMM "mov" NP One 0xc7 /0 No No Reg;
    LEA "lea" NP One 0x8d No No Bytes(8);
    ADD "add" NP One 0x03 No No Bytes(8);
    SUB "sub" NP One 0x2b No No Bytes(8);
    CMP "cmp" NP One 0x3b No No Bytes(8);
    IMUL "imul" NP M0F 0xaf No No Bytes(8);
    OR "or" NP One 0x0b No No Bytes(8);
    SHR_IMM "shr" NP One 0xc1 /5 No No Reg;
    ADD_IMM "add" NP One 0x81 /0 No No Reg;
    AND_IMM "and" NP One 0x81 /4 No No Reg;
    MOVZX8 "movzx" NP M0F 0xb6 No No Bytes(1);
    MOVZX16 "movzx" NP M0F 0xb7 No No Bytes(2);
    MOV32 "mov" NP One 0x8b No No Bytes(4);
    MOV8_STORE "mov" NP One 0x88 No No Bytes(1);
    MOV16_STORE "mov" P66 One 0x89 No No Bytes(2);
    MOV32_STORE "mov" NP One 0x89 No No Bytes(4);
}

impl Row {
    /// Is it an instruction on general-purpose registers alone, without a VEX prefix?
    pub(super) const fn is_legacy(&self) -> bool {
        matches!((self.vex, self.evex), (W::No, W::No))
    }
}

#[cfg(test)]
mod tests {
    use super::super::encode::{Bytes, Encoded, Imm, Place, Width};
    use super::*;
    use iced_x86::{Code, Decoder, DecoderOptions, Register};

    /// Every form of every row decodes to one instruction of that name, with the registers that were
    /// asked for.
    #[test]
    fn every_row_decodes_to_its_name() {
        let mut count = 0;
        for row in ALL {
            let masks = row.name.starts_with('k');
            for width in [Width::X, Width::Y, Width::Z] {
                for (reg, rm) in [(1, 2), (5, 14), (9, 3), (7, 6), (17, 30), (26, 21)] {
                    // Those that move between halves have no narrower form.
                    let halves = ["vpermq", "vextracti128", "vinserti128"].contains(&row.name);
                    if halves && width != Width::Y || row.name.ends_with("64x4") && width != Width::Z {
                        continue;
                    }
                    let narrow = row.is_legacy()
                        || masks
                        || ["vmovd", "vmovq", "vmovhpd", "vpinsrd", "vpinsrq", "vpextrd", "vcvttsd2si", "bzhi"]
                            .contains(&row.name);
                    if (width == Width::Z || reg > 15) && row.evex == W::No || narrow && width != Width::X {
                        continue;
                    }
                    let scalar = ["vcvttsd2si", "vpmovb2m", "vpmovm2q"].contains(&row.name)
                        || masks
                        || row.vex == W::No && row.map == Map::M3A;
                    if (scalar || row.name == "vptestmb" || row.name.starts_with("vcmpp")) && (reg > 7 || rm > 7) {
                        continue;
                    }
                    let register = !["lea", "vpmaskmovd", "vpmaskmovq", "vmovhpd", "vmovntdq"].contains(&row.name)
                        && (!row.name.starts_with("kmovq") || row.tuple == Tuple::Reg);
                    let places = [
                        register.then_some(Place::Reg(rm)),
                        (row.tuple != Tuple::Reg).then_some(Place::Mem {
                            base: 12,
                            index: Some(9),
                            scale: 4,
                            disp: 192,
                        }),
                        (row.tuple != Tuple::Reg).then_some(Place::Mem { base: 5, index: None, scale: 1, disp: 0 }),
                        (row.tuple != Tuple::Reg).then_some(Place::Mem { base: 4, index: None, scale: 1, disp: 1000 }),
                    ];
                    for place in places.into_iter().flatten() {
                        if let (Place::Reg(16..), W::No) = (place, row.evex) {
                            continue;
                        }
                        check(row, width, reg, place);
                        count += 1;
                    }
                }
            }
        }
        assert!(count > 2000, "{count}");
    }

    fn check(row: &Row, width: Width, reg: u8, rm: Place) {
        // As selection uses them.
        let two_sources = ![
            "vpabs",
            "vcvt",
            "vpmov",
            "vmov",
            "vpbroadcast",
            "vpshufd",
            "vpermq",
            "vround",
            "vsqrt",
            "vextract",
            "vpextr",
            "kmov",
            "knot",
        ]
        .iter()
        .any(|prefix| row.name.starts_with(prefix))
            && !row.is_legacy();
        let imm = match (row.map, row.digit) {
            _ if row.name == "shr" => Imm::I8(3),
            _ if row.is_legacy() && row.digit.is_some() => Imm::I32(77),
            (Map::M3A, _) | (_, Some(_)) => Imm::I8(1),
            _ if ["vpshufd", "vshufps", "vcmpps", "vcmppd"].contains(&row.name) => Imm::I8(1),
            _ => Imm::None,
        };
        let mut bytes = Bytes::default();
        let vvvv = two_sources.then_some(3);
        bytes.encode(&Encoded { row, width, reg, vvvv, rm, mask: 0, zeroing: false, imm });
        let code = bytes.finish(&[], 1);
        let mut decoder = Decoder::new(64, &code, DecoderOptions::NONE);
        let inst = decoder.decode();
        let what = format!("{row:?} {width:?} {reg} {rm:?}: {code:x?}: {inst:?}");
        assert!(inst.code() != Code::INVALID && inst.len() == code.len(), "{what}");
        let name = format!("{:?}", inst.mnemonic()).to_lowercase();
        let stem = row.name.trim_end_matches(|c: char| c.is_ascii_digit() && row.name.starts_with("vmovdqu"));
        // The EVEX forms of some have another name.
        let evex_name = row.name.replace("vround", "vrndscale").replace("i128", "i32x4");
        assert!(name.starts_with(stem) || name == evex_name, "{name}; {what}");
        if let Place::Mem { disp, .. } = rm {
            assert_eq!(inst.memory_displacement64(), disp as u64, "{what}");
        }
        let number = |register: Register| register.full_register().number() as u8;
        let registers: Vec<u8> = (0..inst.op_count())
            .filter(|&k| inst.op_register(k) != Register::None)
            .map(|k| number(inst.op_register(k)))
            .collect();
        let gpr = (0..inst.op_count()).any(|k| inst.op_register(k).is_gpr());
        let mut wanted: Vec<u8> = if row.digit.is_some() { vec![] } else { vec![reg] };
        wanted.extend(vvvv);
        if let Place::Reg(rm) = rm {
            wanted.push(rm);
        }
        for wanted in wanted {
            // There are but 16 general-purpose registers.
            let found = |k| registers.contains(&k);
            assert!(found(wanted) || gpr && found(wanted % 16), "{wanted} not in {registers:?}; {what}");
        }
        if let Place::Reg(_) = rm
            && let Some(vector) = (0..inst.op_count())
                .map(|k| inst.op_register(k))
                .filter(|r| r.is_vector_register())
                .max_by_key(|r| r.size())
            && !matches!(row.tuple, Tuple::Bytes(_))
        {
            assert_eq!(vector.size(), width.bytes(), "{what}");
        }
    }
}
