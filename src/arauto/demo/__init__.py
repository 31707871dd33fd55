"""demo: the hub on the example shop, with stand-ins for the outside world, all on this machine.

``standins`` receives what the hub sends, ``traffic`` is what the shop's systems tell, ``show`` draws it live.
"""
