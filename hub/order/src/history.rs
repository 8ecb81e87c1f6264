//! Delta, keyframe, diff, blame: any version of an order, and what each change was.
