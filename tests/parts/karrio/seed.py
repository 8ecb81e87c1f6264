"""Who calls: a user with a key, printed as NAME=VALUE. Given to `serve.py shell -c`."""
import secrets

from django.contrib.auth import get_user_model
from karrio.server.user.models import Token

user = get_user_model().objects.create_superuser('hub@example.com', secrets.token_hex(16))
print('KARRIO_TOKEN=' + Token.objects.create(user=user, test_mode=False).key)
