//! Life of a delivery: reserved or due ► permit ► plan ► map out ► fly (committed) ► call ► receipt ► settled.
