//! Emission of a chunk: its steps as straight lines and forward branches over six regions of memory.
//!
//! ```text
//! fn(codes: *const u32, joined: *const Bits, index: *const u16, rows: *const Bits, held: *mut Bits, alive: *mut u8)
//!
//!   group:  code   = codes[axis]
//!           number = index[from + code]
//!           if number is that of the empty row, go to the next group
//!           row    = rows[first + number], as two vectors
//!           … and with the rows of further slots, to the next group where nothing is left …
//!           held[group] = row; alive[group] = 1
//! ```
//!
//! An empty lead, which is what most groups find, costs two loads and a branch and does not touch the rows. Rows lie at multiples
//! of 8 bytes, so vectors are loaded without alignment. There is no call, no loop, no constant outside of the instructions.

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::types::{I8, I64, I64X2};
use cranelift_codegen::ir::{
    AbiParam, Block, Function, InstBuilder, MemFlagsData, Signature, UserFuncName, Value,
};
use cranelift_codegen::isa::{CallConv, TargetFrontendConfig};
use cranelift_frontend::{FunctionBuilder, FunctionBuilderContext};
use weir_plan::Bits;

use crate::chunk::{Chunk, Look, Op, Work};

/// How many regions a function is given.
pub(crate) const REGIONS: usize = 6;
const ROW: i64 = size_of::<Bits>() as i64;
/// Bytes of a vector.
const HALF: i32 = 16;

/// A row as vectors.
type Halves = [Value; 2];

/// The function of a chunk.
pub(crate) fn emit(
    chunk: &Chunk,
    convention: CallConv,
    config: TargetFrontendConfig,
    context: &mut FunctionBuilderContext,
) -> Function {
    let mut signature = Signature::new(convention);
    signature.params = vec![AbiParam::new(I64); REGIONS];
    let mut function = Function::with_name_signature(UserFuncName::user(0, 0), signature);
    let mut builder = FunctionBuilder::new(&mut function, context);
    let entry = builder.create_block();
    builder.append_block_params_for_function_params(entry);
    builder.switch_to_block(entry);
    if let [codes, joined, index, rows, held, alive] = *builder.block_params(entry) {
        let mut emitter = Emitter { builder, codes, joined, index, rows, held, alive };
        for (at, work) in chunk.works.iter().enumerate() {
            emitter.group(at as i32, work);
        }
        builder = emitter.builder;
    }
    builder.ins().return_(&[]);
    builder.seal_all_blocks();
    builder.finalize(config);
    function
}

struct Emitter<'f> {
    builder: FunctionBuilder<'f>,
    codes: Value,
    joined: Value,
    index: Value,
    rows: Value,
    held: Value,
    alive: Value,
}

impl Emitter<'_> {
    fn group(&mut self, at: i32, work: &Work) {
        let flags = MemFlagsData::new().with_notrap();
        let alive = |emitter: &mut Self| {
            let one = emitter.builder.ins().iconst(I8, 1);
            emitter.builder.ins().store(flags, one, emitter.alive, at);
        };
        match work {
            Work::All(row) => {
                for (word, offset) in row.iter().zip((0..).step_by(8)) {
                    let word = self.builder.ins().iconst(I64, word.cast_signed());
                    self.builder.ins().store(flags, word, self.held, at * ROW as i32 + offset);
                }
                if *row != Bits::default() {
                    alive(self);
                }
            }
            Work::Ops(ops) => {
                let next = self.builder.create_block();
                if let Some(held) = self.ops(ops, next) {
                    for (half, offset) in held.into_iter().zip([0, HALF]) {
                        self.builder.ins().store(flags, half, self.held, at * ROW as i32 + offset);
                    }
                    alive(self);
                }
                self.builder.ins().jump(next, []);
                self.builder.switch_to_block(next);
            }
        }
    }

    /// What is left after all steps, known not to be empty; where nothing is left it goes to `next`.
    fn ops(&mut self, ops: &[Op], next: Block) -> Option<Halves> {
        let mut held: Option<Halves> = None;
        let mut joined: Option<Halves> = None;
        for op in ops {
            match op {
                Op::Class(look) => {
                    let number = self.number(look);
                    match (held, look.none) {
                        (None, Some(none)) => {
                            let empty = self.builder.ins().icmp_imm_u(IntCC::Equal, number, i64::from(none));
                            self.leave_if(empty, next);
                            held = Some(self.row(number, look));
                        }
                        (None, None) => held = Some(self.row(number, look)),
                        (Some(before), _) => {
                            let row = self.row(number, look);
                            held = Some(self.and(before, row, next));
                        }
                    }
                }
                Op::Begin(slot) => joined = Some(self.load(self.joined, *slot as i32 * ROW as i32)),
                Op::OrClass(look) => {
                    let number = self.number(look);
                    let row = self.row(number, look);
                    joined =
                        joined.map(|joined| self.each(joined, row, |builder, a, b| builder.ins().bor(a, b)));
                }
                Op::End => {
                    let Some(joined) = joined.take() else { continue };
                    held = Some(match held {
                        Some(before) => self.and(before, joined, next),
                        None => self.unless_empty(joined, next),
                    });
                }
            }
        }
        held
    }

    fn number(&mut self, look: &Look) -> Value {
        let flags = MemFlagsData::trusted().with_readonly();
        let code = self.builder.ins().uload32(flags, self.codes, i32::from(look.axis) * 4);
        let code = self.builder.ins().ishl_imm_u(code, 1);
        let place = self.builder.ins().iadd(self.index, code);
        self.builder.ins().uload16(I64, flags, place, look.table.from as i32 * 2)
    }

    fn row(&mut self, number: Value, look: &Look) -> Halves {
        let offset = self.builder.ins().ishl_imm_u(number, i64::from(ROW.trailing_zeros()));
        let place = self.builder.ins().iadd(self.rows, offset);
        self.load(place, look.rows as i32 * ROW as i32)
    }

    fn load(&mut self, place: Value, offset: i32) -> Halves {
        let flags = MemFlagsData::new().with_notrap().with_readonly();
        [0, HALF].map(|half| self.builder.ins().load(I64X2, flags, place, offset + half))
    }

    fn and(&mut self, one: Halves, other: Halves, next: Block) -> Halves {
        let both = self.each(one, other, |builder, a, b| builder.ins().band(a, b));
        self.unless_empty(both, next)
    }

    fn each(
        &mut self,
        [a, b]: Halves,
        [c, d]: Halves,
        mut with: impl FnMut(&mut FunctionBuilder<'_>, Value, Value) -> Value,
    ) -> Halves {
        [with(&mut self.builder, a, c), with(&mut self.builder, b, d)]
    }

    fn unless_empty(&mut self, [a, b]: Halves, next: Block) -> Halves {
        let either = self.builder.ins().bor(a, b);
        let any = self.builder.ins().vany_true(either);
        let on = self.builder.create_block();
        self.builder.ins().brif(any, on, [], next, []);
        self.builder.switch_to_block(on);
        [a, b]
    }

    fn leave_if(&mut self, leave: Value, next: Block) {
        let on = self.builder.create_block();
        self.builder.ins().brif(leave, next, [], on, []);
        self.builder.switch_to_block(on);
    }
}
