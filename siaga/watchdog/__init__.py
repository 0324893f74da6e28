"""The dead man's switch: watches Siaga from outside, by what its processes say of themselves over HTTP.

It depends on neither Kafka nor the streams nor the database, and has its own way to call somebody.
"""
