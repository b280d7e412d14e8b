//! Support vector machines for regression and outliers.
#![expect(clippy::indexing_slicing, reason = "lowering checked the lengths of all lists against one another")]

use super::memory::Memory;
use super::run::dot;
use super::step::{Kernel, Svm};

pub(super) fn run(machine: &Svm, memory: &mut Memory) {
    let (before, after) = memory.floats.split_at_mut(machine.kernels);
    let x = &before[machine.from..machine.from + machine.features];
    let count = if machine.vectors.is_empty() { 0 } else { machine.coefficients.len() };
    let (kernels, out) = after.split_at_mut(count);
    let rho = machine.rho.first().copied().unwrap_or(0.0);
    let score = if count == 0 {
        dot(x, &machine.coefficients) + rho
    } else {
        for (kernel, vector) in kernels.iter_mut().zip(machine.vectors.chunks_exact(machine.features.max(1)))
        {
            *kernel = machine.kernel(x, vector);
        }
        dot(kernels, &machine.coefficients) + rho
    };
    out[machine.to - machine.kernels - count] = match machine.is_one_class {
        true if score > 0.0 => 1.0,
        true => -1.0,
        false => score,
    };
}

impl Svm {
    fn kernel(&self, x: &[f32], vector: &[f32]) -> f32 {
        match self.kernel {
            Kernel::Linear => dot(x, vector),
            Kernel::Poly => libm::powf(self.gamma * dot(x, vector) + self.offset, self.degree),
            Kernel::Sigmoid => libm::tanhf(self.gamma * dot(x, vector) + self.offset),
            Kernel::Rbf => {
                let distance = x.iter().zip(vector).fold(0.0_f32, |sum, (x, v)| sum + (x - v) * (x - v));
                libm::expf(-self.gamma * distance)
            }
        }
    }
}
