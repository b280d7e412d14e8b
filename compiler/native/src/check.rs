//! The checker: proves of a finished function that each load and store lies inside its region, and that it ends.
//!
//! It knows nothing of how the function was made. It follows each value through the instructions as a range of integers, or as a
//! region and a range of offsets into it, both in steps of a power of two, and refuses what it cannot follow. What it takes as given:
//!
//! - the six parameters point to the regions, which are as long as [`Regions`] says;
//! - the code of an axis is at most the greatest of that axis: the coder of the plan sees to it;
//! - an entry of a table is at most the greatest in it: that was read from the real table, which does not change.

use std::collections::HashMap;

use cranelift_codegen::ir::types::I64;
use cranelift_codegen::ir::{
    Block, BlockCall, Function, Inst, InstructionData, MemFlags, Opcode, Type, Value,
};

use crate::chunk::Regions;
use crate::emit::REGIONS;

/// Past this, a number is not followed: no region is nearly so long, and no sum of two wraps.
const MOST: u64 = 1 << 40;
/// The step of a constant.
const ANY_STEP: u64 = 1 << 40;

/// What is known of a value.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Known {
    Nothing,
    /// One of these numbers.
    Number(Span),
    /// A place in a region, so many bytes from its beginning.
    Place(Region, Span),
}

/// `low`, `low + step` and so on, up to `high`. The step is a power of two.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Span {
    low: u64,
    high: u64,
    step: u64,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Region {
    Codes,
    Joined,
    Index,
    Rows,
    Held,
    Alive,
}

const PARAMETERS: [Region; REGIONS] =
    [Region::Codes, Region::Joined, Region::Index, Region::Rows, Region::Held, Region::Alive];

/// Checks a function against the regions it is given; what is wrong with it otherwise. Cost: linear in its instructions, times the
/// tables for each look-up.
pub(crate) fn check(function: &Function, regions: &Regions) -> Result<(), String> {
    let dfg = &function.dfg;
    let signature = &function.signature;
    let parameters = signature.params.iter().all(|parameter| parameter.value_type == I64);
    if signature.params.len() != REGIONS || !parameters || !signature.returns.is_empty() {
        return Err("another signature".to_owned());
    }
    let outside = !dfg.ext_funcs.is_empty()
        || !function.global_values.is_empty()
        || !function.sized_stack_slots.is_empty()
        || !function.dynamic_stack_slots.is_empty()
        || dfg.constants.iter().next().is_some();
    if outside {
        return Err("functions, globals, constants or a stack of its own".to_owned());
    }
    let places: HashMap<Block, usize> = function.layout.blocks().zip(0..).collect();
    let mut checker = Checker { function, regions, places, known: HashMap::new() };
    let entry = function.layout.entry_block().ok_or("no instructions")?;
    for (value, region) in dfg.block_params(entry).iter().zip(PARAMETERS) {
        checker.known.insert(*value, Known::Place(region, Span::constant(0)));
    }
    for block in function.layout.blocks() {
        for inst in function.layout.block_insts(block) {
            checker.inst(block, inst).map_err(|wrong| format!("{wrong}: {}", dfg.display_inst(inst)))?;
        }
    }
    Ok(())
}

struct Checker<'a> {
    function: &'a Function,
    regions: &'a Regions,
    /// By block, where it stands.
    places: HashMap<Block, usize>,
    known: HashMap<Value, Known>,
}

impl Checker<'_> {
    fn inst(&mut self, block: Block, inst: Inst) -> Result<(), &'static str> {
        let dfg = &self.function.dfg;
        let data = dfg.insts[inst];
        let typed = dfg.inst_results(inst).first().map(|result| dfg.value_type(*result));
        let wide = typed == Some(I64);
        let known = match (data, data.opcode()) {
            (InstructionData::UnaryImm { imm, .. }, Opcode::Iconst) => {
                number(u64::try_from(imm.bits()).ok().map(Span::constant), wide)
            }
            (InstructionData::Binary { args: [one, other], .. }, Opcode::Iadd) if wide => {
                sum(self.known(one), self.known(other))
            }
            (InstructionData::Binary { args: [one, by], .. }, Opcode::Ishl) if wide => {
                shifted(self.known(one), self.known(by))
            }
            (InstructionData::Load { arg, flags, offset, .. }, opcode) => {
                self.flags(flags)?;
                let place = self.place(arg, offset.into())?;
                let bytes = match opcode {
                    Opcode::Load => typed.map_or(0, Type::bytes),
                    Opcode::Uload16 => 2,
                    Opcode::Uload32 => 4,
                    _ => return Err("a load of a kind that is not known"),
                };
                let known = self.load(place, bytes)?;
                // Only what fills the register with zeros is the number that was loaded.
                if wide && opcode != Opcode::Load { known } else { Known::Nothing }
            }
            (InstructionData::Store { args: [value, place], flags, offset, .. }, Opcode::Store) => {
                self.flags(flags)?;
                let (region, span) = self.place(place, offset.into())?;
                if !matches!(region, Region::Held | Region::Alive) {
                    return Err("a store to what is not its own");
                }
                self.inside(region, span, dfg.value_type(value).bytes())?;
                Known::Nothing
            }
            (InstructionData::Jump { destination, .. }, Opcode::Jump) => {
                self.forward(block, &destination)?;
                Known::Nothing
            }
            (InstructionData::Brif { blocks, .. }, Opcode::Brif) => {
                blocks.iter().try_for_each(|to| self.forward(block, to))?;
                Known::Nothing
            }
            (
                _,
                Opcode::Return
                | Opcode::Iadd
                | Opcode::Ishl
                | Opcode::Band
                | Opcode::Bor
                | Opcode::Icmp
                | Opcode::VanyTrue,
            ) => Known::Nothing,
            _ => return Err("an instruction that is not known"),
        };
        for result in dfg.inst_results(inst) {
            self.known.insert(*result, known);
        }
        Ok(())
    }

    fn known(&self, value: Value) -> Known {
        let value = self.function.dfg.resolve_aliases(value);
        self.known.get(&value).copied().unwrap_or(Known::Nothing)
    }

    /// Bytes are in the machine's order.
    fn flags(&self, flags: MemFlags) -> Result<(), &'static str> {
        let flags = self.function.dfg.mem_flags[flags];
        if flags.explicit_endianness().is_some() { Err("another order of bytes") } else { Ok(()) }
    }

    fn place(&self, value: Value, offset: i64) -> Result<(Region, Span), &'static str> {
        let Known::Place(region, span) = self.known(value) else {
            return Err("an address that is not known");
        };
        let span = u64::try_from(offset).ok().and_then(|offset| span.plus(Span::constant(offset)));
        Ok((region, span.ok_or("an offset out of range")?))
    }

    fn load(&self, (region, span): (Region, Span), bytes: u32) -> Result<Known, &'static str> {
        match (region, bytes) {
            (Region::Codes, 4) => {
                let axis =
                    u16::try_from(span.low / 4).ok().filter(|_| span.low == span.high && span.low % 4 == 0);
                let greatest = axis.and_then(|axis| self.regions.codes.get(&axis));
                let high = u64::from(*greatest.ok_or("a code that is not there")?);
                Ok(Known::Number(Span { low: 0, high, step: 1 }))
            }
            (Region::Index, 2) => {
                let table = self.regions.tables.iter().find(|table| {
                    let from = u64::from(table.from) * 2;
                    let to = from + u64::from(table.entries) * 2;
                    from <= span.low && span.high + 2 <= to
                });
                let table = table.ok_or("outside of any table")?;
                if !span.low.is_multiple_of(2) || !span.step.is_multiple_of(2) {
                    return Err("half an entry");
                }
                // A table is in the index, whatever the lists say.
                self.inside(region, span, bytes)?;
                Ok(Known::Number(Span { low: 0, high: u64::from(table.greatest), step: 1 }))
            }
            (Region::Joined | Region::Rows, _) => {
                self.inside(region, span, bytes)?;
                Ok(Known::Nothing)
            }
            _ => Err("a load from what is not to be read so"),
        }
    }

    fn inside(&self, region: Region, span: Span, bytes: u32) -> Result<(), &'static str> {
        let Regions { joined, index, rows, groups, .. } = self.regions;
        let length = match region {
            Region::Codes => 0,
            Region::Joined => u64::from(*joined) * 32,
            Region::Index => u64::from(*index) * 2,
            Region::Rows => u64::from(*rows) * 32,
            Region::Held => u64::from(*groups) * 32,
            Region::Alive => u64::from(*groups),
        };
        if bytes > 0 && span.high + u64::from(bytes) <= length {
            Ok(())
        } else {
            Err("outside of its region")
        }
    }

    /// Jumps only go forward, so every function ends.
    fn forward(&self, from: Block, to: &BlockCall) -> Result<(), &'static str> {
        let to = self.places.get(&to.block(&self.function.dfg.value_lists));
        match (self.places.get(&from), to) {
            (Some(from), Some(to)) if from < to => Ok(()),
            _ => Err("a jump that does not go forward"),
        }
    }
}

impl Span {
    fn constant(at: u64) -> Self {
        Self { low: at, high: at, step: ANY_STEP }
    }

    fn plus(self, other: Self) -> Option<Self> {
        let span = Self {
            low: self.low.checked_add(other.low)?,
            high: self.high.checked_add(other.high)?,
            step: self.step.min(other.step),
        };
        (span.high <= MOST).then_some(span)
    }

    fn times(self, factor: u64) -> Option<Self> {
        let span = Self {
            low: self.low.checked_mul(factor)?,
            high: self.high.checked_mul(factor)?,
            step: self.step.checked_mul(factor)?.min(ANY_STEP),
        };
        (span.high <= MOST).then_some(span)
    }
}

fn number(span: Option<Span>, wide: bool) -> Known {
    span.filter(|span| wide && span.high <= MOST).map_or(Known::Nothing, Known::Number)
}

fn sum(one: Known, other: Known) -> Known {
    match (one, other) {
        (Known::Number(one), Known::Number(other)) => one.plus(other).map_or(Known::Nothing, Known::Number),
        (Known::Place(region, one), Known::Number(other))
        | (Known::Number(other), Known::Place(region, one)) => {
            one.plus(other).map_or(Known::Nothing, |span| Known::Place(region, span))
        }
        _ => Known::Nothing,
    }
}

fn shifted(one: Known, by: Known) -> Known {
    match (one, by) {
        (Known::Number(one), Known::Number(by)) if by.low == by.high && by.low < 32 => {
            one.times(1 << by.low).map_or(Known::Nothing, Known::Number)
        }
        _ => Known::Nothing,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chunk::Table;

    /// Two tables: 3 entries of at most 4 from the first, 5 of at most 1 from the fourth; 10 rows, 2 joined, 2 groups.
    fn regions() -> Regions {
        Regions {
            codes: [(0, 2), (7, 4)].into(),
            joined: 2,
            index: 8,
            rows: 10,
            tables: vec![
                Table { from: 0, entries: 3, greatest: 4 },
                Table { from: 3, entries: 5, greatest: 1 },
            ],
            groups: 2,
        }
    }

    /// v0 codes, v1 joined, v2 index, v3 rows, v4 held, v5 alive.
    fn checked(body: &str) -> Result<(), String> {
        let text = format!(
            "function %f(i64, i64, i64, i64, i64, i64) system_v {{\nblock0(v0: i64, v1: i64, v2: i64, v3: i64, v4: i64, v5: i64):\n{body}\n}}"
        );
        let functions =
            cranelift_reader::parse_functions(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
        check(&functions[0], &regions())
    }

    fn refused(body: &str, why: &str) {
        let wrong = checked(body).expect_err(body);
        assert!(wrong.starts_with(why), "{wrong}\n{body}");
    }

    /// The look-up of a row, with holes.
    fn look(axis: u32, shift: u32, table: u32, number_shift: u32, row: u32) -> String {
        format!(
            "v10 = uload32 notrap v0+{}\nv11 = iconst.i64 {shift}\nv12 = ishl v10, v11\nv13 = iadd v2, v12\n\
             v14 = uload16.i64 notrap v13+{table}\nv15 = iconst.i64 {number_shift}\nv16 = ishl v14, v15\nv17 = iadd v3, v16\n\
             v18 = load.i64x2 notrap v17+{row}\nstore notrap v18, v4\nreturn",
            axis * 4
        )
    }

    #[test]
    fn look_ups_inside_their_regions_pass() {
        assert_eq!(checked(&look(0, 1, 0, 5, 0)), Ok(()));
        // Row 5 + 4, its second half.
        assert_eq!(checked(&look(0, 1, 0, 5, 5 * 32 + 16)), Ok(()));
        assert_eq!(checked(&look(7, 1, 6, 5, 8 * 32)), Ok(()));
        // Any three entries of the second table do.
        assert_eq!(checked(&look(0, 1, 10, 5, 0)), Ok(()));
    }

    #[test]
    fn codes_are_those_of_axes_that_are_coded() {
        refused(&look(1, 1, 0, 5, 0), "a code that is not there");
        refused("v10 = uload32 notrap v0+2\nreturn", "a code that is not there");
        refused("v10 = load.i64 notrap v0\nreturn", "a load from what is not to be read so");
        refused("v10 = uload32 notrap v0-4\nreturn", "an offset out of range");
    }

    #[test]
    fn entries_are_those_of_one_table() {
        // Its last entry for the greatest code of the axis lies in the next table, or past it.
        refused(&look(0, 1, 2, 5, 0), "outside of any table");
        refused(&look(0, 1, 12, 5, 0), "outside of any table");
        refused(&look(7, 1, 0, 5, 0), "outside of any table");
        refused(&look(0, 2, 0, 5, 0), "outside of any table");
        refused(&look(0, 1, 7, 5, 0), "half an entry");
        refused(&look(0, 0, 0, 5, 0), "half an entry");
        refused(
            "v10 = uload32.i64 notrap v2\nreturn".replace("uload32.i64", "uload32").as_str(),
            "a load from what",
        );
    }

    #[test]
    fn rows_are_those_of_the_region() {
        refused(&look(0, 1, 0, 5, 5 * 32 + 17), "outside of its region");
        refused(&look(0, 1, 0, 5, 6 * 32), "outside of its region");
        refused(&look(7, 1, 6, 5, 9 * 32), "outside of its region");
        refused(&look(0, 1, 0, 7, 0), "outside of its region");
        refused("v10 = load.i64x2 notrap v1+64\nreturn", "outside of its region");
        assert_eq!(checked("v10 = load.i64x2 notrap v1+48\nreturn"), Ok(()));
    }

    #[test]
    fn only_its_own_rows_and_bytes_are_written() {
        assert_eq!(checked("v10 = iconst.i8 1\nstore notrap v10, v5+1\nreturn"), Ok(()));
        refused("v10 = iconst.i8 1\nstore notrap v10, v5+2\nreturn", "outside of its region");
        refused("v10 = iconst.i64 1\nstore notrap v10, v4+57\nreturn", "outside of its region");
        refused("v10 = iconst.i64 1\nstore notrap v10, v3\nreturn", "a store to what is not its own");
        refused("v10 = load.i64 notrap v4\nreturn", "a load from what is not to be read so");
    }

    #[test]
    fn what_cannot_be_followed_is_no_address() {
        // A loaded word, a sum of two places, a number that might wrap, a place from another block.
        refused(
            "v10 = load.i64 notrap v1\nv11 = load.i64 notrap v10\nreturn",
            "an address that is not known",
        );
        refused("v10 = iadd v1, v3\nv11 = load.i64 notrap v10\nreturn", "an address that is not known");
        refused(
            "v10 = iconst.i64 -8\nv11 = iadd v3, v10\nv12 = load.i64 notrap v11\nreturn",
            "an address that is not",
        );
        refused(
            "v10 = iconst.i64 0x7fff_ffff_ffff_ffff\nv11 = iadd v3, v10\nv12 = load.i64 notrap v11\nreturn",
            "an addr",
        );
        refused(
            "jump block1(v3)\nblock1(v10: i64):\nv11 = load.i64 notrap v10\nreturn",
            "an address that is not known",
        );
    }

    #[test]
    fn nothing_jumps_back_or_calls() {
        assert_eq!(checked("brif v0, block1, block2\nblock1:\njump block2\nblock2:\nreturn"), Ok(()));
        refused("jump block1\nblock1:\njump block2\nblock2:\njump block1", "a jump that does not go forward");
        refused("jump block1\nblock1:\njump block1", "a jump that does not go forward");
        refused("v10 = bnot v0\nreturn", "an instruction that is not known");
        refused("trap user1", "an instruction that is not known");
    }

    #[test]
    fn nothing_is_outside_of_the_function() {
        let with = |preamble: &str, body: &str| {
            let text = format!(
                "function %f(i64, i64, i64, i64, i64, i64) system_v {{\n{preamble}\nblock0(v0: i64, v1: i64, v2: i64, v3: i64, v4: i64, v5: i64):\n{body}\n}}"
            );
            check(&cranelift_reader::parse_functions(&text).unwrap()[0], &regions())
        };
        let outside = Err("functions, globals, constants or a stack of its own".to_owned());
        assert_eq!(with("fn0 = %g()", "call fn0()\nreturn"), outside);
        assert_eq!(with("ss0 = explicit_slot 8", "return"), outside);
        let text = "function %f(i64) system_v {\nblock0(v0: i64):\nreturn\n}";
        let function = &cranelift_reader::parse_functions(text).unwrap()[0];
        assert_eq!(check(function, &regions()), Err("another signature".to_owned()));
    }
}
