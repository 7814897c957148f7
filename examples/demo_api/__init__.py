"""Waybill: a small shipping API that Antiphon's SDK watches."""
