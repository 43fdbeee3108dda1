"""A steady pace for a long time: does anything grow?"""
