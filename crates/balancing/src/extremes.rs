//! [`f32::min`] and [`f32::max`] for numbers that are never NaN: one instruction, of which a pick does many.

pub(crate) fn lesser(one: f32, other: f32) -> f32 {
    if one < other { one } else { other }
}

pub(crate) fn greater(one: f32, other: f32) -> f32 {
    if one > other { one } else { other }
}
