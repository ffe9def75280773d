//! The engine from Rust: text and slices in, arrays out.
#![allow(unsafe_code, reason = "describes memory of its own to the engine")]

use numfuse::array::{ArrayRef, Memory};
use numfuse::diagnostic::Error;
use numfuse::dtype::{DType, Type};
use numfuse::engine::{CallOptions, Engine, Host, Options};

/// Type, shape and bytes.
type Output = (DType, Vec<isize>, Vec<u64>);

/// Keeps outputs as bytes.
#[derive(Default)]
struct Outputs {
    memory: Vec<Output>,
}

impl Host for Outputs {
    fn given(&self, _: usize) -> Option<ArrayRef<'_>> {
        None
    }

    fn allocate(&mut self, _: usize, dtype: DType, shape: &[isize], _: &[isize]) -> Result<Memory, Error> {
        let elements: isize = shape.iter().product();
        self.memory.push((dtype, shape.to_vec(), vec![0; elements as usize + 1]));
        let (.., memory) = self.memory.last_mut().unwrap();
        // SAFETY: as many bytes as elements of the greatest size, which stay where they are when the
        // vector around them grows, and which only the call uses.
        Ok(unsafe { Memory::new(memory.as_mut_ptr().cast()) })
    }
}

fn evaluate(text: &str, args: &[ArrayRef]) -> Result<Vec<Output>, Error> {
    let kernel = Engine::new().compile(text, &Options::default())?;
    let mut outputs = Outputs::default();
    kernel.call(args, &mut outputs, &CallOptions::default())?;
    Ok(outputs.memory)
}

fn floats(words: &[u64], n: usize) -> Vec<f64> {
    words[..n].iter().map(|&w| f64::from_bits(w)).collect()
}

#[test]
fn axpy_in_place() {
    let kernel = Engine::new().compile("y += a1*x1 + a2*x2", &Options::default()).unwrap();
    let names: Vec<&str> = kernel.arguments().iter().map(|n| &**n).collect();
    assert_eq!(names, ["y", "a1", "x1", "a2", "x2"]);
    let n = 1003;
    let x1: Vec<f64> = (0..n).map(|i| i as f64).collect();
    let x2: Vec<f64> = (0..n).map(|i| 0.5 * i as f64).collect();
    let mut y = vec![1.0; n];
    let shape = [n as isize];
    let args = [
        ArrayRef::of_slice_mut(&mut y, &shape),
        ArrayRef::of_scalar(&2.0, Type::WeakFloat),
        ArrayRef::of_slice(&x1, &shape),
        ArrayRef::of_scalar(&4i64, Type::WeakInt),
        ArrayRef::of_slice(&x2, &shape),
    ];
    kernel.call(&args, &mut Outputs::default(), &CallOptions::default()).unwrap();
    assert!((0..n).all(|i| y[i] == 1.0 + (2.0 * x1[i] + 4.0 * x2[i])));
    assert_eq!(kernel.signatures(), ["f8(f8, float, f8, int, f8)"]);
}

#[test]
fn functions_and_several_statements() {
    let x: [f64; 4] = [0.0, 1.0, 2.0, -3.0];
    let result = evaluate("let z = exp(x); w = z + 1; w *= 2; where(x < 0, 0, w)", &[ArrayRef::of_slice(&x, &[4])]);
    let result = result.unwrap();
    let expected: Vec<f64> = x.iter().map(|x| (x.exp() + 1.0) * 2.0).collect();
    assert_eq!(floats(&result[0].2, 4), expected);
    assert_eq!(floats(&result[1].2, 4), [expected[0], expected[1], expected[2], 0.0]);
}

#[test]
fn statements_of_different_shapes() {
    let row = [1.0, 2.0, 3.0];
    let column = [10.0, 20.0];
    let strides = [8isize, 0];
    // SAFETY: two elements, eight bytes apart; the second axis has one element.
    let column_view = unsafe {
        ArrayRef::from_raw(column.as_ptr() as *mut u8, &[2, 1], &strides, Type::Strong(DType::F64), false, false)
    };
    let result =
        evaluate("a = row * 2; b = a + column; a += 1; c = a + column", &[ArrayRef::of_slice(&row, &[3]), column_view])
            .unwrap();
    assert_eq!(result[0].1, [3]);
    assert_eq!(floats(&result[0].2, 3), [3.0, 5.0, 7.0]);
    assert_eq!(result[1].1, [2, 3]);
    assert_eq!(floats(&result[1].2, 6), [12.0, 14.0, 16.0, 22.0, 24.0, 26.0]);
    assert_eq!(floats(&result[2].2, 6), [13.0, 15.0, 17.0, 23.0, 25.0, 27.0]);
}

#[test]
fn errors_before_the_first_store() {
    let mut y = [1i64, 2];
    let x = [0.5, 0.5];
    let error = evaluate("y += x", &[ArrayRef::of_slice_mut(&mut y, &[2]), ArrayRef::of_slice(&x, &[2])]).unwrap_err();
    assert!(error.to_string().contains("Cannot cast ufunc 'add' output from dtype('float64') to dtype('int64')"));
    assert_eq!(y, [1, 2]);
    let error =
        evaluate("a / b", &[ArrayRef::of_scalar(&1.0, Type::WeakFloat), ArrayRef::of_scalar(&0.0, Type::WeakFloat)])
            .unwrap_err();
    assert_eq!(error, Error::ZeroDivision("division by zero".into()));
}

#[test]
fn numbers_are_checked_where_there_are_no_elements() {
    let none: [u8; 0] = [];
    let args = [ArrayRef::of_slice(&none, &[0]), ArrayRef::of_scalar(&-5i64, Type::WeakInt)];
    let error = evaluate("x - n", &args).unwrap_err();
    assert_eq!(error, Error::Overflow("Python integer -5 out of bounds for uint8".into()));
}

#[test]
fn what_is_assigned_is_no_longer_weak() {
    // Python divides by zero; NumPy, whose float64 the output is, gives NaN.
    let result = evaluate("y = x + x; y = y % y", &[ArrayRef::of_scalar(&0.0, Type::WeakFloat)]).unwrap();
    assert!(f64::from_bits(result[0].2[0]).is_nan());
    assert!(evaluate("let y = x + x; y % y", &[ArrayRef::of_scalar(&0.0, Type::WeakFloat)]).is_err());
}
