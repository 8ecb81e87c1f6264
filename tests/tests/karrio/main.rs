//! Karrio as it really is, as TMS, by the files that ship: shipments get labels there, parcels are tracked there, and what becomes of them
//! comes back; whatever fails on the way, each shipment is one shipment, counted there.

mod cancel;
mod faults;
mod scene;
mod way;
