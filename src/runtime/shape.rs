//! Shapes, broadcasting and memory order, with NumPy's rules and words.

use crate::array::ArrayRef;
use crate::diagnostic::Error;
use smallvec::SmallVec;

/// Extents or strides, outermost first.
pub type Shape = SmallVec<[isize; 6]>;

/// The numbers of axes, outermost in memory first.
pub type Axes = SmallVec<[u8; 6]>;

/// The order in which the elements of an allocated output lie in memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Order {
    /// As close to the operands' order as possible.
    #[default]
    K,
    /// The last index runs fastest.
    C,
    /// The first index runs fastest.
    F,
    /// `F` if every operand is in that order, else `C`.
    A,
}

impl Order {
    /// The order with NumPy's letter.
    pub fn parse(text: &str) -> Option<Order> {
        match text {
            "K" | "k" => Some(Order::K),
            "C" | "c" => Some(Order::C),
            "F" | "f" => Some(Order::F),
            "A" | "a" => Some(Order::A),
            _ => None,
        }
    }
}

/// The shape in NumPy's form: `(2,3)`, `(3,)`, `()`.
pub fn display_shape(shape: &[isize]) -> String {
    let extents = shape.iter().map(isize::to_string).collect::<Vec<_>>().join(",");
    if shape.len() == 1 { format!("({extents},)") } else { format!("({extents})") }
}

/// The shape to which all shapes broadcast.
pub fn broadcast<'a>(mut shapes: impl Iterator<Item = &'a [isize]> + Clone) -> Result<Shape, Error> {
    let all = shapes.clone();
    let mut joint = Shape::from_slice(shapes.next().unwrap_or(&[]));
    for shape in shapes {
        if *shape != *joint && !widen(&mut joint, shape) {
            let mut message = String::from("operands could not be broadcast together with shapes ");
            for shape in all {
                message += &display_shape(shape);
                message.push(' ');
            }
            return Err(Error::Value(message));
        }
    }
    match element_count(&joint) {
        Some(_) => Ok(joint),
        None => Err(Error::Value("iterator is too large".into())),
    }
}

/// Broadcasts `joint` with `shape` in place; false if they don't fit.
fn widen(joint: &mut Shape, shape: &[isize]) -> bool {
    if shape.len() > joint.len() {
        joint.insert_many(0, std::iter::repeat_n(1, shape.len() - joint.len()));
    }
    for (extent, &other) in joint.iter_mut().rev().zip(shape.iter().rev()) {
        if *extent == 1 {
            *extent = other;
        } else if other != 1 && other != *extent {
            return false;
        }
    }
    true
}

/// The number of elements, if it can be counted.
#[inline]
pub fn element_count(shape: &[isize]) -> Option<usize> {
    let count = shape.iter().try_fold(1isize, |count, &extent| count.checked_mul(extent));
    match count {
        Some(count) => Some(count as usize),
        None if shape.contains(&0) => Some(0),
        None => None,
    }
}

/// Checks that a value's shape broadcasts to the shape of an array that it is stored to.
pub fn fits_target(target: &[isize], value: &[isize]) -> Result<(), Error> {
    if target == value {
        return Ok(());
    }
    let joint = broadcast([value, target].into_iter())?;
    if *joint == *target {
        return Ok(());
    }
    Err(Error::Value(format!(
        "non-broadcastable output operand with shape {} doesn't match the broadcast shape {}",
        display_shape(target),
        display_shape(&joint)
    )))
}

/// The stride of a view along an axis of a loop to whose shape the view broadcasts.
pub(super) fn stride_along(array: &ArrayRef, ndim: usize, axis: usize) -> isize {
    match (axis + array.ndim()).checked_sub(ndim) {
        Some(own) if array.shape()[own] != 1 => array.strides()[own],
        _ => 0,
    }
}

/// The axes of an allocated output of this shape, from the outermost to the innermost in memory.
///
/// The operands are the inputs; scalars among them have no say.
pub fn output_axes(order: Order, shape: &[isize], operands: &[&ArrayRef]) -> Axes {
    let ndim = shape.len();
    let mut axes = Axes::new();
    for axis in 0..ndim {
        axes.push(axis as u8);
    }
    match order {
        Order::C => {}
        Order::F => axes.reverse(),
        Order::A => {
            if operands.iter().all(|a| a.is_f_contiguous()) {
                axes.reverse();
            }
        }
        Order::K => {
            if ndim > 1 && !operands.iter().all(|a| a.is_c_contiguous()) {
                // From the innermost axis outwards, as NumPy's iterator sorts them: where operands
                // conflict, the order of the axes' visits decides.
                axes.reverse();
                sort_axes(&mut axes, |inner, outer| {
                    let wishes = operands.iter().map(|a| {
                        let outer = stride_along(a, ndim, outer as usize).unsigned_abs();
                        let inner = stride_along(a, ndim, inner as usize).unsigned_abs();
                        if outer == 0 || inner == 0 { None } else { Some(inner > outer) }
                    });
                    wishes.flatten().reduce(|swap, wish| swap && wish)
                });
                axes.reverse();
            }
        }
    }
    axes
}

/// Sorts axes by a partial order. `swap` says whether the second axis should come before the first;
/// `None` if it doesn't matter. What nothing speaks against stays as it is.
pub(super) fn sort_axes(axes: &mut [u8], swap: impl Fn(u8, u8) -> Option<bool>) {
    // By insertion, since the order need not be transitive.
    for at in 1..axes.len() {
        let mut place = at;
        for before in (0..at).rev() {
            match swap(axes[before], axes[at]) {
                Some(true) => place = before,
                Some(false) => break,
                None => {}
            }
        }
        axes[place..=at].rotate_right(1);
    }
}

/// The strides of a new array without gaps whose axes lie in the given order.
pub fn strides_for(shape: &[isize], axes: &[u8], itemsize: usize) -> Shape {
    let mut strides = Shape::new();
    for _ in shape {
        strides.push(0);
    }
    let mut packed = itemsize as isize;
    for &axis in axes.iter().rev() {
        strides[axis as usize] = packed;
        // Of an array without elements no stride matters.
        packed = packed.wrapping_mul(shape[axis as usize].max(1));
    }
    strides
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dtype::{DType, Type};

    fn joint(shapes: &[&[isize]]) -> Result<Vec<isize>, String> {
        broadcast(shapes.iter().copied()).map(|s| s.to_vec()).map_err(|e| e.to_string())
    }

    #[test]
    fn broadcasting_is_numpys() {
        assert_eq!(joint(&[]), Ok(vec![]));
        assert_eq!(joint(&[&[], &[3]]), Ok(vec![3]));
        assert_eq!(joint(&[&[4, 1], &[3], &[]]), Ok(vec![4, 3]));
        assert_eq!(joint(&[&[1], &[0]]), Ok(vec![0]));
        assert_eq!(joint(&[&[2, 1, 1], &[5, 1], &[7]]), Ok(vec![2, 5, 7]));
        let refused = "operands could not be broadcast together with shapes ";
        assert_eq!(joint(&[&[3], &[4]]), Err(format!("{refused}(3,) (4,) ")));
        assert_eq!(joint(&[&[4, 3], &[], &[2]]), Err(format!("{refused}(4,3) () (2,) ")));
        assert_eq!(joint(&[&[0], &[4]]), Err(format!("{refused}(0,) (4,) ")));
        assert_eq!(joint(&[&[1 << 40, 1], &[1, 1 << 40]]), Err("iterator is too large".into()));
        assert_eq!(joint(&[&[1 << 40, 1, 0], &[1, 1 << 40, 1]]), Ok(vec![1 << 40, 1 << 40, 0]));
        assert_eq!(joint(&[&[1; 64], &[2; 62]]), Ok([vec![1; 2], vec![2; 62]].concat()));
        assert_eq!(joint(&[&[1; 64], &[2; 64]]), Err("iterator is too large".into()));
    }

    #[test]
    fn targets_never_grow() {
        let refused = |target: &[isize], value: &[isize]| fits_target(target, value).unwrap_err().to_string();
        assert_eq!(fits_target(&[4, 3], &[3]), Ok(()));
        assert_eq!(fits_target(&[4, 3], &[]), Ok(()));
        assert_eq!(fits_target(&[3], &[1]), Ok(()));
        let text =
            |a, b| format!("non-broadcastable output operand with shape {a} doesn't match the broadcast shape {b}");
        assert_eq!(refused(&[3], &[4, 3]), text("(3,)", "(4,3)"));
        assert_eq!(refused(&[], &[3]), text("()", "(3,)"));
        assert_eq!(refused(&[1], &[3]), text("(1,)", "(3,)"));
        assert_eq!(refused(&[3], &[1, 3]), text("(3,)", "(1,3)"));
        assert_eq!(refused(&[2], &[3]), "operands could not be broadcast together with shapes (3,) (2,) ");
    }

    /// A view that is never read.
    fn view<'a>(shape: &'a [isize], strides: &'a [isize]) -> ArrayRef<'a> {
        crate::runtime::run::tests::unread_view(0, shape, strides, DType::F64)
    }

    #[test]
    fn memory_order_of_outputs() {
        let c = view(&[4, 5], &[40, 8]);
        let f = view(&[4, 5], &[8, 32]);
        let row = view(&[5], &[8]);
        let one = 1.0;
        let scalar = ArrayRef::of_scalar(&one, Type::Strong(DType::F64));
        let axes = |order, operands: &[&ArrayRef]| output_axes(order, &[4, 5], operands).to_vec();
        assert_eq!(axes(Order::K, &[]), [0, 1]);
        assert_eq!(axes(Order::K, &[&c, &scalar]), [0, 1]);
        assert_eq!(axes(Order::K, &[&f, &scalar]), [1, 0]);
        assert_eq!(axes(Order::K, &[&f, &row]), [1, 0]);
        assert_eq!(axes(Order::K, &[&f, &c]), [0, 1]);
        assert_eq!(axes(Order::A, &[&f, &scalar, &row]), [1, 0]);
        assert_eq!(axes(Order::A, &[&f, &c]), [0, 1]);
        assert_eq!(axes(Order::C, &[&f]), [0, 1]);
        assert_eq!(axes(Order::F, &[&c]), [1, 0]);
        let middle = view(&[2, 3, 4], &[8, 64, -16]);
        assert_eq!(output_axes(Order::K, &[2, 3, 4], &[&middle]).to_vec(), [1, 2, 0]);
    }

    #[test]
    fn strides_without_gaps() {
        assert_eq!(strides_for(&[2, 3, 4], &[0, 1, 2], 8).to_vec(), [96, 32, 8]);
        assert_eq!(strides_for(&[2, 3, 4], &[2, 1, 0], 4).to_vec(), [4, 8, 24]);
        assert_eq!(strides_for(&[2, 3, 4], &[1, 0, 2], 1).to_vec(), [4, 8, 1]);
        assert_eq!(strides_for(&[], &[], 8).to_vec(), [0isize; 0]);
    }

    #[test]
    fn shapes_and_orders_as_text() {
        assert_eq!(display_shape(&[]), "()");
        assert_eq!(display_shape(&[3]), "(3,)");
        assert_eq!(display_shape(&[2, 3]), "(2,3)");
        assert_eq!(Order::parse("k"), Some(Order::K));
        assert_eq!(Order::parse("x"), None);
    }
}
