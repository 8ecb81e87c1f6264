"""Karrio's program on a folder of its own, whose one tracking carrier is a stand-in.

usage: KARRIO_DIR=… [CARRIER_URL=…] serve.py COMMAND …   as `karrio COMMAND …`

A tracker is made by asking the carrier, and tests have none on line: DHL's address becomes CARRIER_URL. All else is Karrio as it is: its
client of DHL's API, what it makes of the answers, what it stores and sends.
"""
import os
import sys

FOLDER = os.environ['KARRIO_DIR']
os.environ.update({
    'WORK_DIR': FOLDER,
    'LOG_DIR': FOLDER,
    'DATABASE_ENGINE': 'sqlite3',
    'DATABASE_NAME': 'karrio',
    'SECRET_KEY': 'for-tests-alone-for-tests-alone-for-tests-alone-0123456789',
    'DEBUG_MODE': 'False',
    # Webhooks are sent within the request that causes them: no second process, and their order is known.
    'WORKER_IMMEDIATE_MODE': 'True',
    # What is tested is not how long a minute is.
    'USER_RATE_LIMIT': '100000/minute',
    'CARRIER_REQUEST_RATE_LIMIT': '100000/minute',
})

import karrio.providers.dhl_universal.utils as dhl
from karrio.server.__main__ import main

# Nobody listens at this port: a carrier that is away.
dhl.Settings.server_url = property(lambda _: os.environ.get('CARRIER_URL', 'http://127.0.0.1:1'))

if __name__ == '__main__':
    sys.exit(main())
