"""Faults through a Toxiproxy proxy: its toxics, or the whole proxy down."""
