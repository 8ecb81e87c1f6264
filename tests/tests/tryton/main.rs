//! Tryton as it really is, as ERP and as warehouse, by the files that ship: orders become sales that are processed, its people pick
//! and pack, and what left comes back; whatever fails on the way, each order is one sale, counted there.

mod faults;
mod order;
mod scene;
mod way;
