/** On the page of signing out, where the application speaks for the person: nobody is asked a second time. */
document.querySelector('button[name=logout]').click()
